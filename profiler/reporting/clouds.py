"""Word clouds of a user's own interests against its exemplar's, as in EIMF's case study.

Source: EIMF (arXiv 2411.09410), case study. There both clouds come from a language model asked
twice; here the user's own are the stored interests that cover its history, so nothing is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiler.reporting.words import words_of
from store.errors import StoreError
from store.views.exemplar_comparison import compare_user

if TYPE_CHECKING:
    from store.store import Store

WORDS, USERS, LEVELS = 30, 6, 6
"""Words in a cloud, users shown, and sizes of type."""

DESCRIPTION_WEIGHT = 0.4
"""Of a word in a description, against 1 in a label (our choice)."""


@dataclass(frozen=True)
class Word:
    """A word, its size from 1 to :data:`LEVELS`, and whether the other cloud has it too."""

    text: str
    level: int
    shared: bool


@dataclass(frozen=True)
class Clouds:
    """One user's two clouds and what they rest on."""

    user: str
    exemplar: str
    similarity: float | None
    own: list[Word]
    theirs: list[Word]
    own_interests: int
    their_interests: int
    shared_items: int
    jaccard: float


def draw_clouds(store: Store, users: Sequence[str], most: int = USERS) -> list[Clouds]:
    """Clouds of the first users that have an exemplar other than themselves and own interests."""
    found: list[Clouds] = []
    for user in users:
        if len(found) == most:
            break
        try:
            document = compare_user(store, user)
        except StoreError:  # belongs to no exemplar: nothing to compare
            continue
        clouds = _clouds(user, document)
        if clouds is not None:
            found.append(clouds)
    return found


def _clouds(user: str, document: dict[str, Any]) -> Clouds | None:
    exemplar, interests = document["exemplar"], document["interests"]
    theirs = [*interests["shared"], *interests["exemplar_adds"]]
    own_words = _weights(interests["own"], "score")
    their_words = _weights(theirs, "strength")
    if exemplar["is_user"] or not own_words or not their_words:
        return None
    return Clouds(
        user=user,
        exemplar=exemplar["user_id"],
        similarity=exemplar["similarity"],
        own=_sized(own_words, their_words),
        theirs=_sized(their_words, own_words),
        own_interests=len(interests["own"]),
        their_interests=len(theirs),
        shared_items=len(document["items"]["shared"]),
        jaccard=document["items"]["jaccard"],
    )


def _weights(interests: Sequence[dict[str, Any]], weight: str) -> dict[str, float]:
    counts: dict[str, float] = defaultdict(float)
    for one in interests:
        strength = max(float(one[weight] or 0.0), 1e-6)
        for word in set(words_of(one["label"])):
            counts[word] += strength
        if one["source"] != "offline":  # the extractor's descriptions only list items
            for word in set(words_of(one["description"])):
                counts[word] += DESCRIPTION_WEIGHT * strength
    return counts


def _sized(own: dict[str, float], other: dict[str, float]) -> list[Word]:
    """The heaviest words in alphabetical order; size by the square root of weight."""
    top = sorted(own, key=lambda word: (-own[word], word))[:WORDS]
    low, high = own[top[-1]] ** 0.5, own[top[0]] ** 0.5
    span = high - low or 1.0
    return [
        Word(word, 1 + round((own[word] ** 0.5 - low) / span * (LEVELS - 1)), word in other)
        for word in sorted(top)
    ]
