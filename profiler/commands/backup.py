"""``profiler backup``: a consistent copy of the store, also while a build is at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import StoreFile


def backup(
    to: Annotated[Path, typer.Argument(help="File to write; must not exist.")],
    store: StoreFile,
) -> None:
    """Copy the store; safe while a build is writing.

    $ profiler backup shop-copy.db --store shop.db
    """
    from store.console import say
    from store.store import open_store
    from store.upkeep.verify import back_up

    with open_store(store) as opened:
        size = back_up(opened, to)
    say(f"{to}: {size / 1e6:.1f} MB; check it with: profiler verify --store {to}")
