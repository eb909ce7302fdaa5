"""What one sentence may claim about a recommendation: three tiers, the same for every backbone.

``shows``
    Items of the user raised the score *and* show an interest that fits the item by its words;
    together they are at least 12 % of what speaks for it. "Because of A and B: interest in C."
``fits``
    An interest of the user fits the item by its words, but what raised the score does not show
    it. "Because of A and B; it fits the interest in C."
``none``
    No stored interest of the user fits. "Because of A and B; none of the stored interests fits."

A trained model's nearest vector is never passed off as a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.recommending import Tier
    from store.views.interests.fitting import Fit

LEAST_SHARE = 0.12
"""Of what raised the score, by the items that show the interest (our choice)."""

NAMED = 2
"""Items a sentence names."""


@dataclass(frozen=True)
class Reason:
    """The claim: tier, items to name (item_ix), and the interest (None where none fits)."""

    tier: Tier
    because: tuple[int, ...]
    fit: Fit | None


def find_reason(parts: Sequence[tuple[int, float]], fits: Sequence[Fit]) -> Reason:
    """Decide what may be claimed.

    Parameters
    ----------
    parts
        (item_ix, part of the score), each item once.
    fits
        The user's interests that fit the item by words, best first.
    """
    helped = sorted(((i, p) for i, p in parts if p > 0), key=lambda one: (-one[1], one[0]))
    whole = sum(part for _, part in helped)
    for fit in fits:
        proof = [(item, part) for item, part in helped if item in fit.own_items]
        if proof and sum(part for _, part in proof) >= LEAST_SHARE * whole:
            return Reason("shows", tuple(item for item, _ in proof[:NAMED]), fit)
    because = tuple(item for item, _ in helped[:NAMED])
    return Reason("fits", because, fits[0]) if fits else Reason("none", because, None)
