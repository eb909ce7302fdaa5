"""What the categories of a catalogue are (paths or tags), and which name fits a group of items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prompts.items import clean_text

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
Kind = Literal["paths", "tags", "departments"]

ONE_PARENT = 0.8
"""Names follow each other as in a path where this share comes after its usual parent."""
MOVES, MOVING = 0.2, 0.5
"""A first name that in so many of its items follows another moves; where so many items start with
one that does, names have no fixed place, as genres have none."""
SHARE_POWER = 0.4
SIZE_POWER = 0.03
"""A name's score is its cosine to the group times powers of its share of the group and of its size:
tuned on one half of people's bundles (``benchmarks/bench_labels.py``)."""
FEW = 1 / 50
"""Names of single categories that hold more of the items than this are departments of a shop."""


@dataclass(frozen=True)
class CategoryIndex:
    """The category names of a catalogue.

    Attributes
    ----------
    kind
        ``paths`` from the wide to the narrow; ``tags`` in any number and combination, as genres;
        ``departments``, one wide name for each item.
    counts
        Number of items that have each name.
    broad
        Names too wide to stand alone: first names of paths, departments, all tags.
    vectors
        What each name means: unit rows, the mean of all names taken away.
    """

    kind: Kind
    counts: Counter[str]
    broad: frozenset[str]
    vectors: dict[str, NDArray[np.float32]]

    @classmethod
    def of(
        cls,
        categories: Sequence[Sequence[str]],
        centred: NDArray[np.float32],
        encode: Encode | None = None,
    ) -> CategoryIndex:
        """Index the categories of all items.

        Parameters
        ----------
        categories
            Of each item, in the order of the source.
        centred
            float32 ``[items, d]``, the centred text vectors.
        encode
            From texts to unit vectors of the same encoder. Without it a name means what its items
            do on average.
        """
        rows = [names_of(names) for names in categories]
        counts = Counter(name for names in rows for name in set(names))
        kind = _kind(rows, counts)
        first = {names[0] for names in rows if len(names) > 1}
        broad = {"paths": first, "tags": set(counts), "departments": set(counts)}[kind]
        names = sorted(counts)
        if not names:
            return cls(kind, counts, frozenset(), {})
        matrix = encode(names) if encode is not None else _item_means(rows, names, centred)
        if len(names) > 1:
            matrix = matrix - matrix.mean(axis=0)
        matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-9)
        return cls(kind, counts, frozenset(broad), dict(zip(names, matrix, strict=True)))

    def ranked(
        self, categories: Sequence[Sequence[str]], vector: NDArray[np.float32]
    ) -> list[tuple[str, float]]:
        """Names of a group's items with their shares, the best first; broad names come last.

        ``vector`` is the unit mean of the group's centred vectors.
        """
        found = Counter(name for names in categories for name in names_of(names))
        scored = []
        for name, count in found.items():
            share = count / len(categories)
            near = max(float(self.vectors[name] @ vector), 0.0) if name in self.vectors else 0.0
            weight = share**SHARE_POWER * max(self.counts[name], 1) ** SIZE_POWER
            scored.append((name in self.broad, -round(near * weight, 6), name, share))
        return [(name, share) for _, _, name, share in sorted(scored)]


def names_of(categories: Sequence[str]) -> tuple[str, ...]:
    """Cleaned names, each once, in order."""
    return _names_of(tuple(categories))


@lru_cache(maxsize=50_000)
def _names_of(categories: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys(clean_text(c) for c in categories) if name)


def _kind(rows: Sequence[Sequence[str]], counts: Counter[str]) -> Kind:
    parents: dict[str, Counter[str]] = {}
    for names in rows:
        for parent, name in pairwise(names):
            parents.setdefault(name, Counter())[parent] += 1
    followed = sum(found.total() for found in parents.values())
    if followed < 0.2 * sum(1 for names in rows if names):
        wide = max(counts.values(), default=0) > FEW * len(rows)
        return "departments" if wide else "paths"
    usual = sum(max(found.values()) for found in parents.values())
    long = [names[0] for names in rows if len(names) > 1]
    moving = sum(parents.get(name, Counter()).total() >= MOVES * counts[name] for name in long)
    as_path = usual >= ONE_PARENT * followed and moving < MOVING * len(long)
    return "paths" if as_path else "tags"


def _item_means(
    rows: Sequence[Sequence[str]], names: Sequence[str], centred: NDArray[np.float32]
) -> NDArray[np.float32]:
    place = {name: number for number, name in enumerate(names)}
    sums = np.zeros((len(names), centred.shape[1]), dtype=np.float32)
    for row, found in enumerate(rows):
        for name in found:
            sums[place[name]] += centred[row]
    return sums
