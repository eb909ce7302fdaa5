"""``profiler export``: interests, evidence and who has them, as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    store: Annotated[Path, typer.Option(help="The store file.")],
    out: Annotated[Path, typer.Option(help="Folder for the files; made where it is missing.")],
    format_: Annotated[str, typer.Option("--format", help="jsonl, parquet or csv.")] = "jsonl",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Write interests, evidence, users' interests and assignments as files."""
    from store.console import print_json, print_table
    from store.store import open_store
    from store.views.export import export_store

    with open_store(store) as opened:
        written = export_store(opened, out, format_, overwrite=overwrite)
    if json:
        print_json(written)
    else:
        print_table("", ["file", "rows"], [[one["file"], one["rows"]] for one in written])
