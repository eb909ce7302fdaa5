"""``profiler compare``: a user's own history against their exemplar's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from profiler.commands.options import User
from store.console.options import Json, StoreFile

if TYPE_CHECKING:
    from store.views.subjects.exemplar_comparison import Comparison
    from store.views.subjects.users import Interest, Item, OwnInterest

SHOWN = 8


def compare(
    user: User,
    store: StoreFile,
    json: Json = False,
) -> None:
    """Compare a user's history and interests with those of the user's exemplar.

    $ profiler compare U042 --store shop.db
    """
    from store.console import print_json, say
    from store.store import open_store
    from store.views.subjects.exemplar_comparison import compare_user

    with open_store(store) as opened:
        comparison = compare_user(opened, user)
    if json:
        print_json(comparison.to_json())
        return
    for line in lines(comparison):
        say(line)


def lines(comparison: Comparison) -> list[str]:
    """Return a comparison as plain lines."""
    from store.console import plain

    user, exemplar, items = comparison.user, comparison.exemplar, comparison.items
    similarity = exemplar.similarity
    near = "" if similarity is None else f", similarity {similarity:.2f}"
    found = [
        f"user {plain(user.user_id)} ({user.interactions} interactions) and exemplar "
        f"{plain(exemplar.user_id)} ({exemplar.items} items, {exemplar.members} members"
        f"{near})"
    ]
    if exemplar.is_user:
        found.append("the user is their own exemplar")
    found += _titles("items both have", items.shared)
    found += _titles("items only the user has", items.only_user)
    found += _titles("items the exemplar adds", items.exemplar_adds)
    interests = comparison.interests
    found += _labels("stored interests that cover the user's own history", interests.own)
    found += _labels("the exemplar's interests that the user's items show", interests.shared)
    found += _labels("interests the exemplar adds", interests.exemplar_adds)
    return found


def _titles(heading: str, items: Sequence[Item]) -> list[str]:
    from store.console import plain

    shown = [f"  {plain(item.title or item.item_id)}" for item in items[:SHOWN]]
    more = [f"  and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
    return ["", f"{heading}: {len(items)}", *shown, *more]


def _labels(heading: str, interests: Sequence[Interest | OwnInterest]) -> list[str]:
    from store.console import plain

    rows = [f"  {plain(one.label)}: {plain(one.description)}" for one in interests]
    return ["", f"{heading}: {len(interests)}", *rows]
