"""``profiler merge``: let one interest stand for another."""

from __future__ import annotations

from typing import Annotated

import typer

from profiler.commands.editing.author import Author, author_name
from store.console.options import Json, StoreFile


def merge(
    interest: Annotated[int, typer.Argument(help="Id of the interest to put under another.")],
    into: Annotated[
        int,
        typer.Argument(
            help="Id of the interest that stands for both.",
            min=0,
            max=2**63 - 1,
            show_default=False,
        ),
    ],
    store: StoreFile,
    by: Author = None,
    json: Json = False,
) -> None:
    """Put one interest under the label of another; profiler undo takes it back.

    $ profiler merge 12 7 --store shop.db
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.upkeep.edits import merge as put_under

    with open_store(store) as opened:
        edit = put_under(opened, interest, into, by=author_name(by))
    if json:
        print_json(edit.to_json())
    else:
        say(f"interest {interest} now stands under {edit.payload.into} (edit {edit.edit_id})")
