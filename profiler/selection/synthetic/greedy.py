"""Compiled parts of the cover: a heap of stale keys over gains that are always up to date.

When a set is picked, the gain of every other set that holds a newly covered element falls at once
(decremental greedy), so the true gain of a set is read, not summed up anew. The heap still holds
the keys of earlier rounds; only its root is mended before it is trusted (lazy greedy, Minoux
1978). Together: each membership is touched once in all, and a pick scans no list of sets.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from profiler.kernels.jit import exact

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@exact
def advance(
    pointers: Ints,
    members: Ints,
    back_pointers: Ints,
    back_sets: Ints,
    fixed: Ints,
    gains: Ints,
    price: Ints,
    covered: NDArray[np.bool_],
    keys: Floats,
    heap: Ints,
    chosen: Ints,
    state: Ints,
    stop: int,
    budget: int,
) -> None:
    """Pick sets until `stop` picks are made or none fits; the root's stale key is mended first.

    ``state`` holds, and is left with, the size of the heap, the number of picks, their value and
    what they cost.
    """
    size, picks, value, spent = state[0], state[1], state[2], state[3]
    while size > 0 and picks < stop:
        root = heap[0]
        key = gains[root] / price[root]
        fits = spent + price[root] <= budget and gains[root] > 0
        if fits and key < keys[root]:
            keys[root] = key  # gains only fall, so every other key is at worst too high
        else:
            size -= 1
            heap[0] = heap[size]
            if fits:
                chosen[picks] = root
                picks += 1
                value += gains[root]
                spent += price[root]
                for at in range(pointers[root], pointers[root + 1]):
                    element = members[at]
                    if not covered[element]:
                        covered[element] = True
                        for back in range(back_pointers[element], back_pointers[element + 1]):
                            gains[back_sets[back]] -= fixed[element]
        _sift_down(keys, heap, 0, size)
    state[0], state[1], state[2], state[3] = size, picks, value, spent


@exact
def _sift_down(keys: Floats, heap: Ints, at: int, size: int) -> None:
    """Restore the heap below `at`: greatest key first, then the lower set number."""
    while True:
        best = at
        for child in (2 * at + 1, 2 * at + 2):
            if child < size:
                a, b = heap[child], heap[best]
                if keys[a] > keys[b] or (keys[a] == keys[b] and a < b):
                    best = child
        if best == at:
            return
        heap[at], heap[best] = heap[best], heap[at]
        at = best


@exact
def heapify(keys: Floats) -> Ints:
    """Heap of all set numbers, greatest key first, then the lower number."""
    heap = np.arange(len(keys))
    for at in range(len(heap) // 2 - 1, -1, -1):
        _sift_down(keys, heap, at, len(heap))
    return heap


@exact
def set_gains(pointers: Ints, members: Ints, fixed: Ints) -> Ints:
    """Weight of each set as a whole."""
    gains = np.zeros(len(pointers) - 1, dtype=np.int64)
    for row in range(len(gains)):
        for at in range(pointers[row], pointers[row + 1]):
            gains[row] += fixed[members[at]]
    return gains


@exact
def transpose(pointers: Ints, members: Ints, n_elements: int) -> tuple[Ints, Ints]:
    """CSR element → sets from CSR set → elements."""
    back_pointers = np.zeros(n_elements + 1, dtype=np.int64)
    for element in members:
        back_pointers[element + 1] += 1
    back_pointers = np.cumsum(back_pointers)
    fill = back_pointers[:-1].copy()
    back_sets = np.empty(len(members), dtype=np.int64)
    for row in range(len(pointers) - 1):
        for at in range(pointers[row], pointers[row + 1]):
            back_sets[fill[members[at]]] = row
            fill[members[at]] += 1
    return back_pointers, back_sets


@exact
def has_repeats(pointers: Ints, members: Ints, n_elements: int) -> bool:
    """Whether a set lists an element twice."""
    last = np.full(n_elements, -1, dtype=np.int64)
    for row in range(len(pointers) - 1):
        for at in range(pointers[row], pointers[row + 1]):
            if last[members[at]] == row:
                return True
            last[members[at]] = row
    return False
