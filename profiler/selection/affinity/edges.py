"""Messages along the edges of a graph: the compiled round of sparse affinity propagation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from profiler.kernels.jit import choose, greater, helper, kernel, lesser
from profiler.selection.affinity.geometry import FloatMatrix, FloatVector, IntVector
from profiler.selection.affinity.messages import NEARLY_ZERO

# The helpers take whole matrices and a row: a view of the row would cost more than a hundred sums.


@helper
def _available(
    A: FloatMatrix,
    R: FloatMatrix,
    S: FloatMatrix,
    i: int,
    base: FloatVector,
    v: FloatVector,
    keep: Any,
    take: Any,
) -> np.float32:
    """Bring availabilities of a row up to date; writes a + s and returns the greatest."""
    zero, nearly = np.float32(0), NEARLY_ZERO
    high = np.float32(-np.inf)
    for e in range(A.shape[1]):
        a = keep * A[i, e] + take * lesser(nearly, base[e] - greater(zero, R[i, e]))
        A[i, e] = a
        v[e] = a + S[i, e]
        high = greater(high, a + S[i, e])
    return high


@helper
def _below(v: FloatVector, rest: FloatVector, top: Any) -> np.float32:
    """The greatest below ``top``, or ``top`` where two reach it; ``rest`` is written."""
    none, zero, one = np.float32(-np.inf), np.float32(0), np.float32(1)
    high, reach = none, zero
    for e in range(v.shape[0]):
        rest[e] = choose(v[e] < top, v[e], none)
    for e in range(v.shape[0]):
        reach += choose(v[e] < top, zero, one)
    for e in range(v.shape[0]):
        high = greater(high, rest[e])
    return high if reach < np.float32(1.5) else top


@helper
def _respond(
    R: FloatMatrix,
    S: FloatMatrix,
    i: int,
    v: FloatVector,
    top: Any,
    second: Any,
    keep: Any,
    take: Any,
) -> np.float32:
    """Responsibilities of a row; returns by how much the one that moved most did."""
    zero = np.float32(0)
    most = zero
    for e in range(R.shape[1]):
        old = R[i, e]
        r = keep * old + take * (S[i, e] - choose(v[e] < top, top, second))
        R[i, e] = r
        most = greater(most, greater(r - old, old - r))
    return most


@helper
def _give(
    R: FloatMatrix,
    found: NDArray[np.int32],
    i: int,
    given: NDArray[np.int32],
    sums: FloatMatrix,
    target: int,
) -> None:
    """Add the positive responsibilities of a row, a few, to the sums; ``given`` is written."""
    size = 0
    for e in range(R.shape[1]):
        given[size] = e
        size += R[i, e] > np.float32(0)
    for g in range(size):
        e = given[g]
        sums[target, found[i, e]] += R[i, e]


@kernel
def pass_messages(
    rows: IntVector,
    found: NDArray[np.int32],
    S: FloatMatrix,
    A: FloatMatrix,
    R: FloatMatrix,
    own: NDArray[np.int32],
    self_similarity: FloatVector,
    base: FloatVector,
    availability: FloatVector,
    responsibility: FloatVector,
    sums: FloatMatrix,
    calm: NDArray[np.bool_],
    limit: Any,
    damping: np.float32,
) -> None:
    """One round for some rows.

    Sums go to the even rows of ``sums`` [2 pieces, m]; those of rows whose messages moved by no
    more than ``limit``, who are called calm, to the odd rows.
    """
    k = S.shape[1]
    n, m = rows.shape[0], sums.shape[1]
    take = np.float32(1) - damping
    zero = np.float32(0)
    pieces = sums.shape[0] // 2
    for piece in prange(pieces):
        for j in range(m):
            sums[2 * piece, j] = zero
        if limit >= zero:
            for j in range(m):
                sums[2 * piece + 1, j] = zero
        around = np.empty(k, dtype=np.float32)
        v = np.empty(k, dtype=np.float32)
        given = np.empty(k + 1, dtype=np.int32)
        for p in range(piece * n // pieces, (piece + 1) * n // pieces):
            i = rows[p]
            o = own[i]
            mine = availability[o] + self_similarity[o] if o >= 0 else np.float32(-np.inf)
            for e in range(k):
                around[e] = base[found[i, e]]
            high = _available(A, R, S, i, around, v, damping, take)
            top, second = mine, mine
            if high > mine:
                top, second = high, max(mine, _below(v, around, high))
            moved = _respond(R, S, i, v, top, second, damping, take)
            if o >= 0:
                before = responsibility[o]
                after = damping * before + take * (self_similarity[o] - high)
                responsibility[o] = after
                moved = max(moved, abs(after - before))
            calm[i] = moved <= limit
            _give(R, found, i, given, sums, 2 * piece + calm[i])


@kernel
def best_edges(
    found: NDArray[np.int32],
    S: FloatMatrix,
    own: NDArray[np.int32],
    chosen: NDArray[np.bool_],
    floor: float,
) -> NDArray[np.float64]:
    """Similarity of each row to its best chosen neighbour, ``floor`` where it has none."""
    n, k = S.shape
    out = np.zeros(n, dtype=np.float64)
    for i in prange(n):
        if own[i] >= 0 and chosen[own[i]]:
            continue
        high = np.float32(floor)
        for e in range(k):
            if chosen[found[i, e]]:
                high = max(high, S[i, e])
        out[i] = high
    return out
