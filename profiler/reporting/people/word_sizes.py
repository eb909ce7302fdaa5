"""Words of a person's own interests against its representative's, as in EIMF's case study.

Source: EIMF (arXiv 2411.09410), case study. There both clouds come from a language model asked
twice; here the person's own are the stored interests that cover their history, so nothing is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from profiler.reporting.shared.contract_people import CloudWord
from profiler.words import words_of
from store.errors import StoreError
from store.views.subjects.exemplar_comparison import compare_user
from store.views.subjects.users import Interest, OwnInterest

if TYPE_CHECKING:
    from store.store import Store

WORDS, LEVELS = 18, 6
"""Words of a side, and sizes of type."""

DESCRIPTION_WEIGHT = 0.4
"""Of a word in a description, against 1 in a label (our choice)."""


def compare_words(store: Store, user_id: str) -> tuple[list[CloudWord], list[CloudWord]]:
    """Heaviest words of a user's own interests and of their representative's.

    Empty where there is nobody to compare with: the user has no representative, is one, or one of
    the two has no interests.
    """
    try:
        comparison = compare_user(store, user_id)
    except StoreError:
        return [], []
    interests = comparison.interests
    own = _weights((one, one.score) for one in interests.own)
    theirs = _weights((one, one.strength) for one in (*interests.shared, *interests.exemplar_adds))
    if comparison.exemplar.is_user or not own or not theirs:
        return [], []
    return _sized(own, theirs), _sized(theirs, own)


def _weights(weighted: Iterable[tuple[Interest | OwnInterest, float]]) -> dict[str, float]:
    counts: dict[str, float] = defaultdict(float)
    for one, weight in weighted:
        strength = max(weight, 1e-6)
        for word in set(words_of(one.label)):
            counts[word] += strength
        if one.source != "offline":  # the extractor's descriptions only list items
            for word in set(words_of(one.description)):
                counts[word] += DESCRIPTION_WEIGHT * strength
    return counts


def _sized(own: dict[str, float], other: dict[str, float]) -> list[CloudWord]:
    """The heaviest words in alphabetical order; size by the square root of weight."""
    top = sorted(own, key=lambda word: (-own[word], word))[:WORDS]
    low, high = own[top[-1]] ** 0.5, own[top[0]] ** 0.5
    span = high - low or 1.0
    return [
        (
            word,
            1 + round((own[word] ** 0.5 - low) / span * (LEVELS - 1)),
            int(word in other),
        )
        for word in sorted(top)
    ]
