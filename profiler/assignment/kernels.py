"""Greedy facility location for many users at once, compiled.

An item counts with its best similarity to the interests chosen so far, so each pick is the
interest that adds most; greedy is within 1 - 1/e of the best choice (Nemhauser, Wolsey and Fisher
1978). Histories are CSR over item numbers, matches are CSR over items.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

from profiler.kernels.jit import exact, exact_parallel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@exact_parallel
def choose_interests(
    pointers: Ints,
    items: Ints,
    match_pointers: Ints,
    match_interests: Ints,
    match_similarities: Floats,
    weights: Floats,
    max_interests: int,
    min_gain: float,
) -> tuple[Ints, Floats, Ints, Floats]:
    """Greedy facility location for every user: interests, scores, numbers of own items, cover."""
    n_users = len(pointers) - 1
    chosen = np.full((n_users, max_interests), -1, dtype=np.int64)
    scores = np.zeros((n_users, max_interests))
    own = np.zeros((n_users, max_interests), dtype=np.int64)
    covered = np.zeros(n_users)
    for user in nb.prange(n_users):
        first, last = pointers[user], pointers[user + 1]
        size = 0
        for at in range(first, last):
            size += match_pointers[items[at] + 1] - match_pointers[items[at]]
        interests = np.empty(size, dtype=np.int64)
        places = np.empty(size, dtype=np.int64)
        values = np.empty(size)
        size = 0
        for at in range(first, last):
            for match in range(match_pointers[items[at]], match_pointers[items[at] + 1]):
                interests[size] = match_interests[match]
                places[size] = at - first
                values[size] = match_similarities[match] * weights[at]
                size += 1
        order = np.argsort(interests, kind="mergesort")  # stable: items stay in time order
        interests, places, values = interests[order], places[order], values[order]
        total = weights[first:last].sum()
        best = np.zeros(last - first)
        for pick in range(max_interests):
            start, gain = _greatest_gain(interests, places, values, best)
            if start < 0 or gain < min_gain * total:
                break
            chosen[user, pick] = interests[start]
            at = start
            while at < size and interests[at] == interests[start]:
                best[places[at]] = max(best[places[at]], values[at])
                scores[user, pick] += values[at] / total
                own[user, pick] += 1
                at += 1
        if last > first:
            covered[user] = (best > 0).mean()
    return chosen, scores, own, covered


@exact
def _greatest_gain(
    interests: Ints, places: Ints, values: Floats, best: Floats
) -> tuple[int, float]:
    """Where the interest that adds most starts, and what it adds; -1 if none adds anything."""
    top, top_gain, start = -1, 1e-9, 0
    while start < len(interests):
        at, gain = start, 0.0
        while at < len(interests) and interests[at] == interests[start]:
            gain += max(0.0, values[at] - best[places[at]])
            at += 1
        if gain > top_gain + 1e-12:
            top, top_gain = start, gain
        start = at
    return top, top_gain


@exact_parallel
def own_items(
    pointers: Ints,
    items: Ints,
    match_pointers: Ints,
    match_interests: Ints,
    match_similarities: Floats,
    users: Ints,
    interests: Ints,
    item_indptr: Ints,
) -> tuple[Ints, Floats]:
    """Where in the histories each assignment's items stand, and how well each shows it."""
    places = np.empty(item_indptr[-1], dtype=np.int64)
    similarities = np.empty(item_indptr[-1])
    for row in nb.prange(len(users)):
        fill = item_indptr[row]
        for at in range(pointers[users[row]], pointers[users[row] + 1]):
            for match in range(match_pointers[items[at]], match_pointers[items[at] + 1]):
                if match_interests[match] == interests[row]:
                    places[fill] = at
                    similarities[fill] = match_similarities[match]
                    fill += 1
    return places, similarities
