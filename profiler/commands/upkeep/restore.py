"""``profiler restore``: put a copy of a store back in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import Json, Overwrite, StoreFile


def restore(
    backup: Annotated[Path, typer.Argument(help="A file of profiler backup; it is only read.")],
    store: StoreFile,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Put a copy in the store's place; what is there stays until the copy is whole.

    $ profiler restore shop-copy.db --store shop.db --overwrite
    """
    from store.console import note, print_json, say
    from store.upkeep.backup import restore as run

    done = run(backup, store, overwrite=overwrite)
    if json:
        kept = None if done.kept is None else str(done.kept)
        print_json({"store": str(store), "bytes": done.bytes, "from": str(backup), "kept": kept})
        return
    if done.kept is not None:
        note(f"the damaged store that was there is kept as {done.kept}")
    say(f"{store}: {done.bytes / 1e6:.1f} MB; check it with: profiler verify --store {store}")
