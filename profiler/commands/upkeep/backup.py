"""``profiler backup``: a consistent copy of the store, also while a build is at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import Json, Overwrite, StoreFile


def backup(
    to: Annotated[Path, typer.Argument(help="File to write.")],
    store: StoreFile,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Copy the store and check the copy; safe while a build is writing.

    $ profiler backup shop-copy.db --store shop.db
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.upkeep.backup import back_up

    with open_store(store) as opened:
        size = back_up(opened, to, overwrite=overwrite)
    if json:
        print_json({"file": str(to), "bytes": size, "store": str(store)})
        return
    say(f"{to}: {size / 1e6:.1f} MB; put it back with: profiler restore {to} --store {store}")
