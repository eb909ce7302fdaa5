"""``profiler forget``: remove a user and all that rested on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from store.console.options import Json, StoreFile


def forget(
    store: StoreFile,
    user: Annotated[
        str | None,
        typer.Argument(help="User id as in the data; without it only the file is swept."),
    ] = None,
    json: Json = False,
) -> None:
    """Remove a user with answers and texts, and check that the file holds no trace of them.

    $ profiler forget U042 --store shop.db
    """
    from store.console import note, print_json, print_table
    from store.publishing.state import published_in
    from store.store import open_store
    from store.upkeep.forget import forget_user, sweep_left

    with open_store(store) as opened:
        copies = published_in(opened)
        if user is None:
            sweep_left(opened)
            document: Mapping[str, int] = {"swept": True}
        else:
            document = forget_user(opened, user)
    if json:
        print_json(dict(document) | ({"published copies": copies} if copies else {}))
        return
    print_table("", ["what", "number"], list(document.items()))
    if user is not None:
        note(
            "backups, exports and trained models are files of their own; so is the source data: "
            "a build from data that still has the user brings it back"
        )
    if user is not None and copies:
        note(
            f"published copies still have the user until profiler publish is run again: "
            f"{', '.join(copies)}"
        )
