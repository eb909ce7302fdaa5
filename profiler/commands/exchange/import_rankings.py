"""``profiler import-rankings``: rankings of nominated cases that were made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import Json, StoreFile, option


def import_rankings(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines of case and ranking, plain or gzip.", show_default=False),
    ],
    store: StoreFile,
    name: Annotated[str | None, option("Name of the source.", default="the file's name")] = None,
    dry_run: Annotated[bool, option("Check and count; store nothing.", "--dry-run")] = False,
    json: Json = False,
) -> None:
    """Store rankings of nominated cases made elsewhere; they are marked as imported.

    $ profiler import-rankings rankings.jsonl --store shop.db
    """
    from store.console import note, print_json, print_table, show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)
        from profiler.exchange.rankings import import_rankings as import_file
        from store.store import open_store

        with open_store(store) as opened:
            source = name or file.name.split(".")[0]
            found = import_file(opened, file, name=source, dry_run=dry_run)
    document = {"rows": found.rows, "rankings stored": found.stored, "changed": found.changed}
    if json:
        print_json(document | {"rows dropped": dict(found.dropped), "notes": found.notes})
        return
    dropped = [[f"rows dropped: {why}", number] for why, number in sorted(found.dropped.items())]
    rows: list[list[object]] = [[what, number] for what, number in document.items()]
    print_table("", ["what", "number"], [*rows, *dropped])
    for line in found.notes[:10]:
        note(line)
