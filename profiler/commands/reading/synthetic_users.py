"""``profiler synthetic-users``: the cliques chosen, what they stand for, how well they cover."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from store.console.options import Json, StoreFile, option

if TYPE_CHECKING:
    from store.views.subjects.synthetic_users import (
        CoveragePoint,
        OwnedItem,
        SyntheticUser,
        SyntheticUsers,
    )


def synthetic_users(
    store: StoreFile,
    name: Annotated[
        str | None, option("Only this one, such as synthetic:1a2b3c, with all items.")
    ] = None,
    limit: Annotated[
        int, typer.Option("-k", min=0, help="Show only the first ones; 0 shows all.")
    ] = 20,
    json: Json = False,
) -> None:
    """Synthetic users: members, items, who owns them, and the coverage curve.

    $ profiler synthetic-users --store shop.db
    """
    from store.console import print_json
    from store.errors import StoreError
    from store.store import open_store
    from store.views.subjects.synthetic_users import coverage_curve, list_synthetic_users

    with open_store(store) as opened:
        listing = list_synthetic_users(opened)
    curve = coverage_curve(listing.synthetic_users)
    if name is not None:
        found = [one for one in listing.synthetic_users if one.name.startswith(name)]
        if not found:
            raise StoreError(
                f"{store} has no active synthetic user {name!r}; "
                "list them with: profiler synthetic-users"
            )
        listing = replace(listing, synthetic_users=found)
    if json:
        print_json({**listing.to_json(), "curve": [point.to_json() for point in curve]})
    elif name is not None:
        for one in listing.synthetic_users:
            _print_one(one)
    else:
        _print_all(listing, curve, limit or None)


def _print_all(listing: SyntheticUsers, curve: list[CoveragePoint], limit: int | None) -> None:
    from store.console import print_table, say

    listed, facts = listing.synthetic_users, listing.coverage
    if listed:
        rows = [
            (
                one.name,
                len(one.members),
                len(one.items),
                _number(one.details.get("cohesion")),
                _number(one.details.get("gain"), 4),
                _typical(one.items),
            )
            for one in listed[:limit]
        ]
        headers = ["synthetic user", "members", "items", "cohesion", "gain", "typical items"]
        print_table("Synthetic users, in the order chosen", headers, rows)
    if curve:
        points = [
            (point.synthetic_users, point.items, point.users, _number(point.weight))
            for point in curve[:limit]
        ]
        print_table("What the first of them cover", ["first", "items", "users", "weight"], points)
    if not facts:
        say("no synthetic users were chosen here" if not listed else "these came from outside")
        return
    say(
        f"{facts['chosen']} of {facts['candidates']} cliques cover {facts['items_covered']} of "
        f"{facts['items']} items and {facts['users_covered']} of {facts['users']} users; proved to "
        f"be within {facts['gap']:.1%} of the best choice among them"
    )
    for line in facts["notes"]:
        say(f"-> {line}")


def _print_one(one: SyntheticUser) -> None:
    from store.console import print_table

    members = [(m.user, _number(m.similarity)) for m in one.members]
    print_table(one.name, ["member", "similarity"], members)
    items = [(i.item, i.title, ", ".join(i.owned_by)) for i in one.items]
    print_table("Items, most owners first", ["item", "title", "owned by"], items)


def _typical(items: list[OwnedItem]) -> str:
    from store.console import shortened

    return "; ".join(shortened(item.title or item.item, 40) for item in items[:3])


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"
