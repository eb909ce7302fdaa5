"""``profiler sample``: write a small shop whose interests are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import Json, Overwrite


def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write it.", show_default=False)],
    users: Annotated[int, typer.Option(help="Number of users.", min=1)] = 400,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 7,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write the data of a small shop with planted interests, to try the commands on.

    $ profiler sample shop
    """
    from dataclasses import asdict

    from store.console import print_json, say
    from store.data.sample import FILES, write_sample

    written = write_sample(folder, users=users, seed=seed, overwrite=overwrite)
    if json:
        print_json(asdict(written))
        return
    say(
        f"{written.interactions:,} interactions of {written.users:,} users with"
        f" {written.items:,} items: {', '.join(FILES)} in {folder}"
    )
    say(f"next: profiler build {folder} --store shop.db")
