"""``profiler pin``: let an interest stand for itself."""

from __future__ import annotations

from profiler.commands.editing.author import Author, author_name
from profiler.commands.options import Interest
from store.console.options import Json, StoreFile


def pin(
    interest: Interest,
    store: StoreFile,
    by: Author = None,
    json: Json = False,
) -> None:
    """Keep an interest apart from its near-duplicates; profiler undo takes it back.

    $ profiler pin 12 --store shop.db
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.upkeep.edits import pin as keep_apart

    with open_store(store) as opened:
        edit = keep_apart(opened, interest, by=author_name(by))
    if json:
        print_json(edit.to_json())
    else:
        say(f"interest {interest} stands for itself (edit {edit.edit_id})")
