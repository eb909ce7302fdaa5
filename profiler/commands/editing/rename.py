"""``profiler rename``: give an interest another label."""

from __future__ import annotations

from typing import Annotated

import typer

from profiler.commands.editing.author import Author, author_name
from profiler.commands.options import Interest
from store.console.options import Json, StoreFile


def rename(
    interest: Interest,
    label: Annotated[str, typer.Argument(help="The new label.")],
    store: StoreFile,
    by: Author = None,
    json: Json = False,
) -> None:
    """Give an interest another label; profiler undo takes it back.

    $ profiler rename 12 "Trail running" --store shop.db
    """
    from store.console import plain, print_json, say
    from store.store import open_store
    from store.upkeep.edits import rename as give_label

    with open_store(store) as opened:
        edit = give_label(opened, interest, label, by=author_name(by))
    if json:
        print_json(edit.to_json())
        return
    say(
        f"interest {interest}: {plain(edit.payload.before.label)} -> "
        f"{plain(edit.payload.after.label)} (edit {edit.edit_id}); "
        "the next build encodes the new text"
    )
