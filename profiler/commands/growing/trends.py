"""``profiler trends``: interests that emerged, grew or faded, and when each was shown."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from store.console.options import Json, StoreFile, option

if TYPE_CHECKING:
    from profiler.growth.trends import Trends


def trends(
    store: StoreFile,
    half_life: Annotated[
        float | None,
        option(
            "Days after which an event counts half.",
            default="a tenth of the time that the data span",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        option("Maximum number of interests of each kind; 0 for all.", min=0, default="10"),
    ] = None,
    json: Json = False,
) -> None:
    """Interests that emerged, grew, shrank and faded, with their first and last evidence.

    $ profiler trends --store shop.db
    $ profiler trends --store shop.db --half-life 30
    """
    from dataclasses import asdict

    from profiler.growth.trends import trends as run
    from store.console import print_json
    from store.store import open_store

    with open_store(store, read_only=True) as opened:
        found = run(opened, half_life_days=half_life)
    if json:
        print_json(asdict(found))
        return
    _tell(found, 10 if limit is None else limit or None)


def _tell(found: Trends, most: int | None) -> None:
    from store.console import print_table, say

    kinds = ("emerged", "grew", "faded", "shrank", "steady")
    counts = Counter[str](one.what for one in found.interests)
    numbers = ", ".join(f"{counts[kind]:,} {kind}" for kind in kinds)
    say(f"until {found.until}, half-life {found.half_life_days:.1f} days: {numbers}")
    rows = [
        (
            one.what,
            one.interest_id,
            one.label,
            one.first,
            one.last,
            one.events,
            "" if one.growth is None else f"{one.growth:.2f}",
        )
        for kind in kinds[:-1]
        for one in [each for each in found.interests if each.what == kind][:most]
    ]
    if rows:
        headers = ["what", "id", "interest", "first", "last", "events", "growth"]
        print_table("Interests through time", headers, rows)
    if found.without_events:
        say(f"{found.without_events:,} interests are shown by no event with a time")
