"""``profiler export``: interests, evidence and who has them, as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.choices import ExportFormat
from store.console.options import Json, Overwrite, StoreFile, option


def export(
    store: StoreFile,
    out: Annotated[Path, option("Folder for the files; made where it is missing.")],
    format_: Annotated[ExportFormat, typer.Option("--format", help="Kind of files.")] = "jsonl",
    spreadsheet_safe: Annotated[
        bool,
        option(
            "With csv, put an apostrophe before texts that a spreadsheet takes for formulas.",
            "--spreadsheet-safe",
        ),
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Write interests, evidence, users' interests and assignments as files.

    The format gistbench is what that benchmark of interests reads: histories, and the interests of
    each user with the items they cite.

    $ profiler export --store shop.db --out exported --format parquet
    $ profiler export --store shop.db --out bench --format gistbench
    """
    from store.console import print_json, print_table
    from store.store import open_store
    from store.views.export import export_store

    with open_store(store) as opened:
        written = export_store(
            opened, out, format_, overwrite=overwrite, spreadsheet_safe=spreadsheet_safe
        )
    if json:
        print_json(written)
    else:
        print_table("", ["file", "rows"], [[one["file"], one["rows"]] for one in written])
