"""``profiler doctor``: is this machine ready, and what would be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    store: Annotated[Path | None, typer.Option(help="Also look at this store.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Versions, device, encoder, LLM settings and store health."""
    from profiler.health import examine
    from store.console import print_json, print_table

    facts = examine(store)
    if json:
        print_json(facts)
    else:
        print_table("", ["what", "found"], list(facts.items()))
