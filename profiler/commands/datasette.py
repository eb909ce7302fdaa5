"""``profiler datasette``: named queries for Datasette."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def datasette(
    store: Annotated[Path, typer.Option(help="The store file.")],
    out: Annotated[Path, typer.Option(help="Metadata file to write.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file where it exists.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write metadata with named queries, so that Datasette opens the store ready to use."""
    from store.console import print_json, say
    from store.store import open_store
    from store.views.datasette import write_metadata

    with open_store(store) as opened:
        document = write_metadata(opened, out, overwrite=overwrite)
    if json:
        print_json(document)
    else:
        say(f"datasette {store} -m {out}")
