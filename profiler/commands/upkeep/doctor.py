"""``profiler doctor``: is this machine ready, and what would be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from store.console.options import Json, option


def doctor(
    store: Annotated[Path | None, option("Also look at this store.")] = None,
    json: Json = False,
) -> None:
    """Versions, installation, device, encoder, language-model settings and the health of a store.

    $ profiler doctor --store shop.db
    """
    from profiler.health import examine
    from store.console import print_json, print_table

    facts = examine(store)
    if json:
        print_json(facts)
    else:
        print_table("", ["what", "found"], list(facts.items()))
