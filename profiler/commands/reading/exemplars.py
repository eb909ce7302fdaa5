"""``profiler exemplars``: who stands for whom, how closely, and what they have in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from store.console.options import Json, StoreFile

if TYPE_CHECKING:
    from store.views.subjects.exemplars import Exemplars


def exemplars(
    store: StoreFile,
    limit: Annotated[
        int, typer.Option("-k", "--limit", help="Show only the largest; 0 shows all.", min=0)
    ] = 20,
    json: Json = False,
) -> None:
    """Exemplars, largest first: members, similarity, typical items, and how they were chosen.

    $ profiler exemplars --store shop.db -k 5
    """
    from store.console import print_json
    from store.store import open_store
    from store.views.subjects.exemplars import list_exemplars

    with open_store(store) as opened:
        listing = list_exemplars(opened, None if json else limit or None)
    if json:
        print_json(listing.to_json())
        return
    _print(listing, limit, store)


def _print(listing: Exemplars, limit: int, store: Path) -> None:
    from store.console import print_table, say, shortened

    listed = listing.exemplars
    if not listed:
        say(f"no exemplars were chosen yet; run: profiler build DATA --store {store}")
        return
    shown = listed[:limit] if limit else listed
    rows = [
        (
            one.user or one.name,
            one.members,
            "" if one.mean_similarity is None else f"{one.mean_similarity:.3f}",
            one.state,
            "; ".join(shortened(i.title or i.item, 40) for i in one.typical_items[:3]),
        )
        for one in shown
    ]
    headers = ["exemplar", "members", "mean similarity", "state", "typical items"]
    print_table("Exemplars, largest first", headers, rows)
    members = sum(one.members for one in listed)
    say(f"{len(listed)} exemplars stand for {members} users; {len(shown)} shown")
    choice = listing.choice
    if choice:
        settled = "settled" if choice["converged"] else "did not settle"
        found = choice["settings"]
        say(
            f"net similarity {choice['net_similarity']:.1f}; {settled}; "
            f"method {found.get('method')}, preference {found.get('preference')}"
        )
