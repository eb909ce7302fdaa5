"""An item, its card and descriptions by layer as plain lines, for the commands that show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.views.items import ItemCard, ItemProfile
    from store.views.shared.descriptions import SaidAtLayer


def card_lines(card: ItemCard | None) -> list[str]:
    """A card as lines that say who wrote it; none where there is no card."""
    from store.console import maker, plain

    if card is None:
        return []
    wanted = f"  wanted next: {'; '.join(plain(one) for one in card.next)}"
    made = "categories and what is chosen together, no language model"
    by = made if card.source == "offline" else maker(card.source)
    return [f"  {plain(card.card)}", *([wanted] if card.next else []), f"  (card by {by})"]


def layer_lines(layers: Sequence[SaidAtLayer], neighbours: str) -> list[str]:
    """Descriptions as lines that say who wrote them, and from how many texts.

    Parameters
    ----------
    layers
        Of one user or item.
    neighbours
        Whose texts they were written from: ``users`` or ``items``.
    """
    from store.console import maker, plain

    found = []
    for one in layers:
        if one.text is None:
            why = f": {plain(one.reason)}" if one.reason else "; see profiler describe --layers"
            found.append(f"  layer {one.layer}: no description ({one.state}{why})")
            continue
        made = "words that texts share, no language model"
        by = made if one.source == "offline" else maker(str(one.source))
        answer = "" if one.response_id is None else f", answer {one.response_id}"
        found.append(f"  layer {one.layer}: {plain(one.text)}")
        found.append(f"  (from {one.neighbours} {neighbours}' texts, by {by}{answer})")
    return found


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
    found += layer_lines(item.descriptions, "users")
    if item.interests:
        found.append(f"  it proves: {'; '.join(plain(one) for one in item.interests)}")
    return found
