"""Themes of a store's interests and the parts each is made of.

Both are cuts of one tree (Ward, 1963) over the words' vectors of merged interests, so neither where
the map puts a dot nor how many people gave the same interest decides what belongs together. A theme
reaches whoever's own history shows at least one of their interests, drawn or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from profiler.reporting.map.groups import Groups
from profiler.reporting.map.places import LANDMARKS, components
from profiler.reporting.map.region_names import name_regions

MOST_THEMES = 9
"""As many as there are colours that everybody can tell apart."""

MOST_PARTS = 48
_FEWEST = 8
"""Fewer interests are one theme."""

_BLOCK = 4_000


@dataclass(frozen=True)
class Cut:
    """One way to group the interests.

    Attributes
    ----------
    of
        int64 ``[n]``: region of each interest, numbered by people reached, the widest first.
    names
        By region.
    people, sizes
        int64 ``[regions]``: users whose own history shows it, interests in it.
    users
        For each region, user_ix of these users.
    """

    of: NDArray[np.int64]
    names: list[str]
    people: NDArray[np.int64]
    sizes: NDArray[np.int64]
    users: list[NDArray[np.int64]]


@dataclass(frozen=True)
class Themes:
    """Themes, their parts, and the theme of each part (int64 ``[parts]``)."""

    themes: Cut
    parts: Cut
    theme_of_part: NDArray[np.int64]


def find_themes(groups: Groups) -> Themes:
    """Find the themes and parts of all merged interests of a store."""
    few, many = _cuts(groups.vectors)
    themes = _regions(groups, few)
    parts = _regions(groups, many)
    first = np.array([np.argmax(parts.of == part) for part in range(len(parts.names))], np.int64)
    return Themes(themes, parts, themes.of[first] if len(first) else first)


def _cuts(vectors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two nested groupings of the rows; the rest joins the theme and part it lies nearest to."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from threadpoolctl import threadpool_limits

    n = len(vectors)
    if n < _FEWEST:
        return np.zeros(n, np.int64), np.zeros(n, np.int64)
    with threadpool_limits(limits=1):  # sums in another order could turn a tie
        landmarks = vectors[:LANDMARKS].astype(np.float64)
        tree = linkage(components(landmarks), "ward")
        wanted = min(MOST_THEMES, max(2, n // 4))
        parts = min(MOST_PARTS, max(wanted, round(1.6 * math.sqrt(n))))
        few = fcluster(tree, wanted, "maxclust").astype(np.int64) - 1
        many = fcluster(tree, parts, "maxclust").astype(np.int64) - 1
        theme_of = {int(part): int(few[np.argmax(many == part)]) for part in np.unique(many)}
        rest = _nearest(vectors[LANDMARKS:], landmarks, many)
    many = np.concatenate([many, rest])
    return np.array([theme_of[int(part)] for part in many], dtype=np.int64), many


def _nearest(
    vectors: NDArray[np.float32], landmarks: NDArray[np.float64], groups: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Group whose mean vector is nearest to each row."""
    known = np.unique(groups)
    means = np.stack([landmarks[groups == group].mean(axis=0) for group in known])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    found = [
        (vectors[start : start + _BLOCK] @ means.T).argmax(axis=1)
        for start in range(0, len(vectors), _BLOCK)
    ]
    return np.asarray(known[np.concatenate([np.zeros(0, np.int64), *found])], dtype=np.int64)


def _regions(groups: Groups, found: NDArray[np.int64]) -> Cut:
    """Number the regions by whom they reach, and name them."""
    rows = {int(one): np.flatnonzero(found == one) for one in np.unique(found)}
    users = {one: groups.users_of(own) for one, own in rows.items()}
    order = sorted(rows, key=lambda one: (-len(users[one]), -len(rows[one]), one))
    number = {one: rank for rank, one in enumerate(order)}
    of = np.array([number[int(one)] for one in found], dtype=np.int64)
    middles = {number[one]: middle(groups.vectors, own) for one, own in rows.items()}
    names = name_regions(groups.labels, of, middles)
    return Cut(
        of=of,
        names=[names[rank] for rank in range(len(order))],
        people=np.array([len(users[one]) for one in order], dtype=np.int64),
        sizes=np.array([len(rows[one]) for one in order], dtype=np.int64),
        users=[users[one] for one in order],
    )


def middle(vectors: NDArray[np.float32], rows: NDArray[np.int64]) -> int:
    """Row whose vector is nearest to the mean of several."""
    mean = vectors[rows].astype(np.float64).mean(axis=0)
    return int(rows[int((vectors[rows] @ mean).argmax())])
