"""``profiler verify``: re-hash and re-check every row of the store."""

from __future__ import annotations

import typer

from store.console.options import Json, StoreFile


def verify(
    store: StoreFile,
    json: Json = False,
) -> None:
    """Re-hash and re-check every row; exit 1 where something is wrong.

    $ profiler verify --store shop.db
    """
    from store.console import print_json, print_table, say
    from store.store import open_store
    from store.upkeep.verify import verify as verify_store

    with open_store(store) as opened:
        checked, faults = verify_store(opened)
    if json:
        print_json({"checked": checked, "faults": faults})
    else:
        print_table("", ["rows", "checked"], list(checked.items()))
        for fault in faults:
            say(f"FAULT {fault}")
        say("no fault found" if not faults else f"{len(faults)} faults")
    raise typer.Exit(1 if faults else 0)
