"""``profiler report``: one HTML file about a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import Json, Overwrite, StoreFile, option


def report(
    store: StoreFile,
    out: Annotated[Path, option("The HTML file to write.")],
    model: Annotated[Path | None, option("Model folder whose evaluation is shown.")] = None,
    seed: Annotated[int, typer.Option(help="Decides the sample of users and the map.")] = 0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write one self-contained HTML file: run card, coverage, map, clouds, sizes, users.

    $ profiler report --store shop.db --out report.html
    """
    from dataclasses import asdict

    from profiler.reporting.report import write_report
    from store.console import print_json, say
    from store.store import open_store

    with open_store(store) as opened:
        written = write_report(opened, out, model=model, seed=seed, overwrite=overwrite)
    if json:
        print_json(asdict(written))
        return
    say(
        f"{written.out}: {written.interests:,} of {written.interests_stored:,} interests and "
        f"{written.users:,} of {written.users_stored:,} users, {written.bytes / 1e6:.1f} MB; "
        "it opens offline in any browser"
    )
