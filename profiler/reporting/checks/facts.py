"""Figures the page speaks of: how well people are covered, and which interests meet in them.

What interests account for among the purchases they were inferred from flatters them: they were
chosen to account for these. Purchases that nobody was shown are the honest test, beside the same
figure for other people's purchases.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from store.data.splits import Part
from store.views.atlas import represented
from store.views.interests.explanation import THRESHOLD

if TYPE_CHECKING:
    from profiler.reporting.map.groups import Groups
    from profiler.reporting.map.own_items import OwnItems
    from profiler.reporting.map.themes import Themes
    from store.data.dataset import Dataset
    from store.store import Store

CLOSE = 0.7
"""Cosine of two histories that counts as close (our choice)."""

MOST_TESTED = 5_000
"""Users whose hidden events are looked at; of more, a seeded sample."""

MOST_PAIRS = 12
_FEWEST_TOGETHER, _LEAST_LIFT, _LEAST_Z = 20, 1.2, 4.0
_TENTHS = 10


@dataclass(frozen=True)
class Coverage:
    """Share of each user's known events that an interest of the user accounts for.

    Attributes
    ----------
    users
        With at least one known event.
    median
        Of the shares; None without users.
    below_half
        Users for less than half of whose events an interest accounts.
    without
        Users whose history shows no stored interest.
    histogram
        Users by tenths of the share.
    """

    users: int
    median: float | None
    below_half: int
    without: int
    histogram: list[int]


@dataclass(frozen=True)
class HiddenFit:
    """Hidden events that an interest of the same user fits by its words.

    Attributes
    ----------
    events, users
        Looked at.
    fit
        Share that an interest of the user fits.
    others
        The same share for events hidden from somebody else.
    low, high
        95 % interval of the difference, by bootstrap over users.
    """

    events: int
    users: int
    fit: float
    others: float
    low: float
    high: float


@dataclass(frozen=True)
class Pair:
    """Two parts of different themes that meet in people more often than chance.

    Attributes
    ----------
    together, expected
        Users who show both, and how many chance would bring together among users with as many
        events.
    """

    a: int
    b: int
    together: int
    expected: float

    @property
    def lift(self) -> float:
        """How many times as many as chance."""
        return self.together / max(self.expected, 1e-9)


@dataclass(frozen=True)
class Closeness:
    """Users by whether they are close to whoever was asked about in their place."""

    users: int
    close: int


def coverage(dataset: Dataset, own: OwnItems) -> Coverage:
    """How much of what is known of each user an interest of the user accounts for."""
    indptr, visible = dataset.visible()
    user = np.repeat(np.arange(dataset.n_users), np.diff(indptr))
    known = np.unique(user * dataset.n_items + visible)
    shown = np.unique(own.users * dataset.n_items + own.items)
    of = known // dataset.n_items
    whole = np.bincount(of, minlength=dataset.n_users)
    part = np.bincount(of[np.isin(known, shown, assume_unique=True)], minlength=dataset.n_users)
    there = whole > 0
    shares = part[there] / whole[there]
    histogram, _ = np.histogram(shares, bins=_TENTHS, range=(0, 1))
    return Coverage(
        users=len(shares),
        median=round(float(np.median(shares)), 4) if len(shares) else None,
        below_half=int((shares < 0.5).sum()),
        without=int((shares == 0).sum()),
        histogram=[int(n) for n in histogram],
    )


def closeness(store: Store) -> Closeness:
    """How many users are close to the representative asked about in their place."""
    _, _, similarity = represented(store)
    known = similarity[np.isfinite(similarity)]
    return Closeness(len(known), int((known >= CLOSE).sum()))


def hidden_fit(
    dataset: Dataset, groups: Groups, items: NDArray[np.float32], seed: int = 0
) -> HiddenFit | None:
    """Share of hidden events that an interest of the user fits; None where nothing is hidden.

    Parameters
    ----------
    dataset, groups
        Of the store.
    items
        float32 ``[items, d]``, unit vectors of the items' texts; zero where there is none.
    seed
        Decides the sample of users and whose events stand against theirs.
    """
    from profiler.quality.measures import bootstrap_interval

    indptr, hidden = dataset.select((Part.VALID, Part.TEST))
    rng = np.random.default_rng(seed)
    users = np.flatnonzero(np.diff(indptr) > 0)
    if len(users) > MOST_TESTED:
        users = np.sort(rng.choice(users, MOST_TESTED, replace=False))
    own = _groups_of_users(groups, dataset.n_users)
    users = np.array([u for u in users.tolist() if len(own[u])], dtype=np.int64)
    if len(users) < 2:
        return None
    circle = rng.permutation(len(users))
    others = np.empty_like(users)
    others[circle] = users[np.roll(circle, 1)]  # somebody else's, never the user's own
    fits, against, events = np.zeros(len(users)), np.zeros(len(users)), 0
    for row, (user, other) in enumerate(zip(users.tolist(), others.tolist(), strict=True)):
        words = groups.vectors[own[user]]
        mine = hidden[indptr[user] : indptr[user + 1]]
        theirs = hidden[indptr[other] : indptr[other + 1]]
        fits[row] = _fitting(words, items[mine])
        against[row] = _fitting(words, items[theirs])
        events += len(mine)
    low, high = bootstrap_interval(fits - against, draws=1_000)
    return HiddenFit(
        events, len(users), float(fits.mean()), float(against.mean()), float(low), float(high)
    )


def surprising_pairs(
    dataset: Dataset, themes: Themes, spots: NDArray[np.float64], own_themes_too: bool = False
) -> list[Pair]:
    """Parts of different themes that meet in users more often than expected, the oddest first.

    Expected within tenths of users by length of history, so that those who have much of everything
    do not make a pair. A pair counts from 20 users and 0.5 % of all, 1.2 times the expected number,
    and more than four standard deviations of it; ranked by lift, size and distance on the map.

    Parameters
    ----------
    dataset, themes
        Of the store.
    spots
        float64 ``[parts, 2]``, where the parts lie on the map.
    own_themes_too
        Also pairs within one theme.
    """
    parts = themes.parts
    has = np.zeros((len(parts.names), dataset.n_users))
    for part, users in enumerate(parts.users):
        has[part, users] = 1
    together = has @ has.T
    expected = _expected(has, np.diff(dataset.visible()[0]))
    least = max(_FEWEST_TOGETHER, 0.005 * dataset.n_users)
    found = []
    for a in range(len(has)):
        for b in range(a):
            same = themes.theme_of_part[a] == themes.theme_of_part[b]
            if (same and not own_themes_too) or together[a, b] < least:
                continue
            pair = Pair(a, b, int(together[a, b]), round(float(expected[a, b]), 1))
            z = (pair.together - pair.expected) / math.sqrt(max(pair.expected, 1))
            if pair.lift > _LEAST_LIFT and z > _LEAST_Z:
                found.append(pair)
    found.sort(key=lambda pair: (-_oddness(pair, spots), pair.a, pair.b))
    return found[:MOST_PAIRS]


def _groups_of_users(groups: Groups, n_users: int) -> list[NDArray[np.int64]]:
    """Places of the groups that each user's own history shows."""
    place = np.repeat(np.arange(len(groups)), groups.own)
    order = np.argsort(groups.users, kind="stable")
    counts = np.bincount(groups.users, minlength=n_users)
    return np.split(place[order], np.cumsum(counts)[:-1]) if n_users else []


def _fitting(words: NDArray[np.float32], items: NDArray[np.float32]) -> float:
    return float(((items @ words.T).max(axis=1) >= THRESHOLD).mean())


def _expected(has: NDArray[np.float64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Users who would show two parts by chance, among users with histories of like length."""
    expected = np.zeros((len(has), len(has)))
    if not len(lengths):
        return expected
    tenth = np.digitize(lengths, np.quantile(lengths, np.linspace(0.1, 0.9, _TENTHS - 1)))
    for one in range(_TENTHS):
        own = has[:, tenth == one]
        if own.shape[1]:
            counts = own.sum(axis=1)
            expected += np.outer(counts, counts) / own.shape[1]
    return expected


def _oddness(pair: Pair, spots: NDArray[np.float64]) -> float:
    far = float(np.linalg.norm(spots[pair.a] - spots[pair.b]))
    return (pair.lift - 1) * math.sqrt(pair.together) * (0.4 + far / 1_000)
