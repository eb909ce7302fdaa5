"""The k greatest of each row of a product, compiled: pieces with too low a peak are passed over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiler.kernels.jit import greater, helper, worker
from profiler.selection.affinity.geometry import FloatMatrix, FloatVector


@helper
def _order(bits: Any) -> Any:
    """The bits of a float as a number of the same order, and back."""
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@helper
def _peak(values: FloatVector) -> np.float32:
    high = np.float32(-np.inf)
    for j in range(values.shape[0]):
        high = greater(high, values[j])
    return high


@helper
def _at_least(keys: NDArray[np.int32], bound: Any) -> Any:
    count = np.int32(0)
    for j in range(keys.shape[0]):
        count += np.int32(keys[j] >= bound)
    return count


@helper
def _bound(keys: NDArray[np.int32], k: int, most: int) -> np.int32:
    """A key that at least ``k`` and at most ``most`` keys reach, else the k-th greatest.

    Halving counts without a branch for each key, which is faster than sorting a few hundred.
    """
    low = np.int64(keys[0])
    high = low
    for j in range(keys.shape[0]):
        low = min(low, np.int64(keys[j]))
        high = max(high, np.int64(keys[j]))
    high += 1
    while high - low > 1:
        middle = (low + high) >> 1
        count = _at_least(keys, np.int32(middle))
        if count < k:
            high = middle
            continue
        low = middle
        if count <= most:
            break
    return np.int32(low)


@helper
def _keep(
    row: FloatVector,
    keys: NDArray[np.int32],
    places: NDArray[np.int32],
    found: NDArray[np.int32],
    similarity: FloatVector,
) -> None:
    """Write the k greatest in their order, of equals at the bound the first."""
    k = found.shape[0]
    last = _bound(keys, k, k)
    equal = k
    for e in range(keys.shape[0]):
        equal -= keys[e] > last
    out = 0
    for e in range(keys.shape[0]):
        if keys[e] > last or (keys[e] == last and equal > 0):
            equal -= keys[e] == last
            found[out] = places[e]
            similarity[out] = min(np.float32(0), row[places[e]])
            out += 1


@worker
def select_greatest(
    block: FloatMatrix,
    own: NDArray[np.int32],
    step: int,
    found: NDArray[np.int32],
    similarity: FloatMatrix,
) -> None:
    """Write the k greatest of each row in the order of columns; its own column is passed over.

    The k-th greatest of the peaks of short pieces bounds the k-th greatest value from below, so
    only pieces whose peak reaches it are looked into. Of equals at the bound the first are taken.
    """
    n, m = block.shape
    k = found.shape[1]
    pieces = (m + step - 1) // step
    peaks = np.empty(pieces, dtype=np.float32)
    marks = peaks.view(np.int32)
    values = np.empty(m + 1, dtype=np.float32)  # one more, because each is written, then kept
    keys = values.view(np.int32)
    places = np.empty(m + 1, dtype=np.int32)
    for i in range(n):
        row = block[i]
        if own[i] >= 0:
            row[own[i]] = -np.inf
        for c in range(pieces):
            peaks[c] = _peak(row[c * step : min(m, (c + 1) * step)])
        for c in range(pieces):
            marks[c] = _order(marks[c])
        mark = _bound(marks, k, k + k // 8)
        keys[m] = _order(mark)
        limit = values[m]
        size = 0
        for c in range(pieces):
            if marks[c] >= mark:
                for j in range(c * step, min(m, (c + 1) * step)):
                    values[size] = row[j]
                    places[size] = j
                    size += row[j] >= limit
        for e in range(size):
            keys[e] = _order(keys[e])
        _keep(row, keys[:size], places, found[i], similarity[i])


def piece_length(columns: int, k: int) -> int:
    """Length of the pieces: whole vector registers, and at least eight pieces for each of k."""
    if columns >= 32 * k:
        return 16 * max(1, columns // (128 * k))
    return 4 if columns >= 8 * k else 1
