"""``profiler import-cards``: item cards made elsewhere become the store's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from profiler.commands.options import PrivateWords, StoredEncoder
from store.console.options import Json, StoreFile, option


def import_cards(
    file: Annotated[
        Path,
        typer.Argument(
            help="JSON lines of item_id, card and next, plain or gzip.", show_default=False
        ),
    ],
    store: StoreFile,
    name: Annotated[str | None, option("Where they are from.", default="the file's name")] = None,
    dry_run: Annotated[bool, option("Check and count; store nothing.", "--dry-run")] = False,
    private_words: PrivateWords = None,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> None:
    """Store item cards made elsewhere; they are marked as imported, and no run replaces them.

    $ profiler import-cards cards.jsonl --store shop.db
    """
    from store.console import note, print_json, print_table, show_progress

    with show_progress(quiet=json) as tell:
        tell("starting", 0, 0)
        from profiler.describe import encode_cards
        from profiler.exchange.cards import import_cards as import_file
        from profiler.exchange.save_interests import encoder_of
        from store.store import open_store

        with open_store(store) as opened:
            own = None if dry_run else encoder_of(opened, encoder)
            source = name or file.name.split(".")[0]
            found = import_file(opened, file, name=source, dry_run=dry_run)
            encoded = encode_cards(opened, own, tell)
    document = {
        "rows": found.rows,
        "cards stored": found.stored,
        "changed": found.changed,
        "texts encoded": encoded,
        "rows dropped": dict(found.dropped),
    }
    if json:
        print_json(document | {"notes": found.notes})
        return
    dropped = [[f"rows dropped: {why}", number] for why, number in sorted(found.dropped.items())]
    rows: list[list[object]] = [[w, v] for w, v in document.items() if not isinstance(v, dict)]
    print_table("", ["what", "number"], [*rows, *dropped])
    for line in found.notes[:10]:
        note(line)
    if len(found.notes) > 10:
        note(f"and {len(found.notes) - 10} more; --json lists all")
