"""An item and its card as plain lines, for the commands that show one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.views.items import ItemCard, ItemProfile


def card_lines(card: ItemCard | None) -> list[str]:
    """A card as lines that say who wrote it; none where there is no card."""
    from store.console import maker, plain

    if card is None:
        return []
    wanted = f"  wanted next: {'; '.join(plain(one) for one in card.next)}"
    made = "categories and what is chosen together, no language model"
    by = made if card.source == "offline" else maker(card.source)
    return [f"  {plain(card.card)}", *([wanted] if card.next else []), f"  (card by {by})"]


def item_lines(item: ItemProfile) -> list[str]:
    """What is known of an item."""
    from store.console import plain

    kinds = f" ({', '.join(plain(one) for one in item.categories)})" if item.categories else ""
    found = [f"item {plain(item.item_id)}: {plain(item.title or 'without a title')}{kinds}"]
    found += [f"  {item.users} users have it"]
    if item.card is None:
        why = f": {plain(item.reason)}" if item.reason else "; see profiler describe"
        found.append(f"  no card ({item.state}{why})")
    found += card_lines(item.card)
    if item.interests:
        found.append(f"  it proves: {'; '.join(plain(one) for one in item.interests)}")
    return found
