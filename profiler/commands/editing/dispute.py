"""``profiler dispute``: an interest is wrong for one person."""

from __future__ import annotations

from typing import Annotated

from profiler.commands.editing.author import Author, author_name
from profiler.commands.options import Interest, User
from store.console.options import Json, StoreFile, option


def dispute(
    user: User,
    interest: Interest,
    store: StoreFile,
    why: Annotated[str, option("The reason, for whoever reads it later.")] = "",
    by: Author = None,
    json: Json = False,
) -> None:
    """Say that an interest is wrong for a person; profiler undo takes it back.

    It is no longer shown to them nor used for their lists, training and explanations. Others who
    have it through the same exemplar keep it. A trained model shows it no more; what the model has
    learned from it stays until it is trained again.

    $ profiler dispute U042 12 --why "a present" --store shop.db
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.upkeep.edits import dispute as call_wrong

    with open_store(store) as opened:
        edit = call_wrong(opened, user, interest, why=why, by=author_name(by))
    if json:
        print_json(edit.to_json())
    else:
        say(f"interest {edit.payload.interest} is no longer used for {user} (edit {edit.edit_id})")
