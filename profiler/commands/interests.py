"""``profiler interests``: the catalogue of interests, and whom each reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def interests(
    store: Annotated[Path, typer.Option(help="The store file.")],
    raw: Annotated[bool, typer.Option("--raw", help="Show near-duplicates apart.")] = False,
    limit: Annotated[
        int | None, typer.Option("-k", min=1, max=10**9, help="Most interests [all].")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Every interest with how many users it reaches, near-duplicates under one label."""
    from store.console import note, print_json, print_table
    from store.store import open_store
    from store.views.catalogue import list_interests

    with open_store(store) as opened:
        found = list_interests(opened, raw=raw, limit=limit)
    if json:
        print_json(found)
        return
    last = "stands under" if raw else "merged"
    rows = [
        [
            one["interest_id"],
            one["label"] + (" (pinned)" if one["pinned"] else ""),
            one["users"],
            one["evidence"],
            one["subject"],
            one["canonical_id"] if raw else len(one["merged"]) or None,
        ]
        for one in found
    ]
    print_table("", ["id", "interest", "users", "items", "of", last], rows)
    if not found:
        note("no interest is stored yet; run profiler build")
