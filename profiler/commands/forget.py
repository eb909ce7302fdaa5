"""``profiler forget``: remove a user and all that rested on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def forget(
    store: Annotated[Path, typer.Option(help="The store file.")],
    user: Annotated[
        str | None,
        typer.Argument(help="User id as in the data; without it only the file is swept."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Remove a user, its answers and texts, and check that the file holds no trace of them."""
    from store.console import note, print_json, print_table
    from store.store import open_store
    from store.upkeep.forget import forget_user, sweep

    with open_store(store) as opened:
        if user is None:
            sweep(opened)
            document: dict[str, object] = {"swept": True}
        else:
            document = forget_user(opened, user)
    if json:
        print_json(document)
        return
    print_table("", ["what", "number"], list(document.items()))
    if user is not None:
        note(
            "backups, exports and trained models are files of their own; so is the source data: "
            "a build from data that still has the user brings it back"
        )
