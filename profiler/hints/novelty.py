"""Whether a hint says something that the base does not say yet, by its words or by its vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from profiler.vectors.encoding import encode_cached
from profiler.words import words_of

if TYPE_CHECKING:
    from profiler.vectors.encoding import Encoder
    from store.store import Store

SAME_WORDS = 0.6
"""Two hints are alike where they share this part of all their pairs of words (Jaccard): a rule and
its reverse have the same words, and are two rules."""
SAME_MEANING = 0.85
"""Or where their vectors have this cosine."""

Nearest = Callable[[str, Sequence[str]], tuple[int, float] | None]
"""From a hint and the base to the place of the hint that it repeats, and how alike they are."""


def by_words(text: str, base: Sequence[str]) -> tuple[int, float] | None:
    """The hint of the base that shares most pairs of words with a text, where it is alike."""
    alike = [_jaccard(text, one) for one in base]
    best = int(np.argmax(alike)) if alike else 0
    return (best, alike[best]) if alike and alike[best] >= SAME_WORDS else None


def by_meaning(store: Store, encoder: Encoder) -> Nearest:
    """Compare by words first, and then by the vectors of a sentence encoder."""

    def nearest(text: str, base: Sequence[str]) -> tuple[int, float] | None:
        found = by_words(text, base)
        if found is not None or not base:
            return found
        vectors = encode_cached(store, encoder, [text, *base]).vectors
        cosines = vectors[1:] @ vectors[0]
        best = int(np.argmax(cosines))
        return (best, float(cosines[best])) if cosines[best] >= SAME_MEANING else None

    return nearest


def _jaccard(one: str, other: str) -> float:
    first, second = _pairs(one), _pairs(other)
    return len(first & second) / max(len(first | second), 1)


def _pairs(text: str) -> set[tuple[str, str]]:
    """Words side by side, without those that say nothing; a single word is its own pair."""
    words = words_of(text)
    return set(pairwise(words)) if len(words) > 1 else {(word, word) for word in words}
