"""``profiler publish``: what people query of a store, in the databases they serve from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import Json, Overwrite, StoreFile, option


def publish(
    target: Annotated[
        str,
        typer.Argument(
            help="postgresql://USER@HOST/DATABASE, duckdb:FILE or parquet:FOLDER.",
            show_default=False,
        ),
    ],
    store: StoreFile,
    lists: Annotated[
        Path | None,
        option(
            "Recommendation lists as Parquet, from recommender export.",
            default="those published before",
        ),
    ] = None,
    vectors: Annotated[
        bool,
        option("Also publish text vectors; in PostgreSQL this needs pgvector.", "--vectors"),
    ] = False,
    overwrite: Overwrite = False,
    dry_run: Annotated[
        bool, option("Say what would change and write nothing.", "--dry-run")
    ] = False,
    json: Json = False,
) -> None:
    """Copy interests, evidence, assignments, histories and lists into a database or files.

    Only what changed is written, as one version that is visible as a whole or not at all. Users who
    were forgotten in the store are removed by the next publish. Give a password in PGPASSWORD or
    ~/.pgpass, because other programs can read the command line.

    $ profiler publish duckdb:shop.duckdb --store shop.db --lists lists.parquet
    $ profiler publish postgresql://shop@db.example.org/shop --store shop.db
    """
    from profiler.llm.secrets import without_credentials
    from store.console import note, print_json, print_table, say, show_progress
    from store.publishing.publish import publish as mirror

    without_credentials(target)  # whatever is logged from now on is without them
    with show_progress(quiet=json) as tell:
        found = mirror(
            store,
            target,
            lists=lists,
            vectors=vectors,
            overwrite=overwrite,
            dry_run=dry_run,
            tell=tell,
        )
    if json:
        print_json(found.to_json())
    else:
        rows = [
            [one.table, one.rows, one.inserted, one.updated, one.deleted] for one in found.tables
        ]
        print_table("", ["table", "rows", "new", "changed", "gone"], rows)
        if not found.changed:
            say(f"{found.target}: version {found.version} is up to date, nothing was written")
        elif dry_run:
            say(f"{found.target}: version {found.version} would be written; nothing was")
        else:
            say(f"{found.target}: version {found.version}")
    if found.left:
        note(
            "whoever was forgotten is in no table any more, but the files of the target could not "
            f"be written anew ({found.left}); the next publish tries again"
        )
