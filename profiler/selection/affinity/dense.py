"""Dense affinity propagation: exact messages between all pairs, in place and in float32.

Frey and Dueck, "Clustering by passing messages between data points", Science 315 (2007). One pass
over a row brings its availabilities up to date from the column sums of the round before, finds the
two greatest sums, and writes the responsibilities: three matrices are read and two written once a
round, which is all the memory traffic the method needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from profiler.kernels.jit import greater, helper, kernel, lesser, threads_for
from profiler.kernels.median import median
from profiler.selection.affinity.geometry import (
    FloatMatrix,
    FloatVector,
    IntVector,
    check_vectors,
    product_form,
)
from profiler.selection.affinity.messages import (
    DAMPING_SCHEDULE,
    NEARLY_ZERO,
    Candidates,
    Outcome,
    Run,
    finish,
    propagate,
    self_similarities,
    single_gain,
    trivial,
)
from profiler.selection.affinity.result import AffinityResult

_CHUNKS = 16
_BLOCK = 256


# The helpers take slices and count from nought: a loop that might start below nought is not
# vectorised.


@helper
def _available(
    a: FloatVector, r: FloatVector, s: FloatVector, base: FloatVector, keep: Any, take: Any
) -> np.float32:
    """Bring availabilities of a block up to date; returns its greatest a + s."""
    zero, nearly = np.float32(0), NEARLY_ZERO
    high = np.float32(-np.inf)
    for j in range(a.shape[0]):
        v = keep * a[j] + take * lesser(nearly, base[j] - greater(zero, r[j]))
        a[j] = v
        high = greater(high, v + s[j])
    return high


@helper
def _highest(a: FloatVector, s: FloatVector) -> np.float32:
    high = np.float32(-np.inf)
    for j in range(a.shape[0]):
        high = greater(high, a[j] + s[j])
    return high


@helper
def _respond(
    r: FloatVector, s: FloatVector, total: FloatVector, top: Any, keep: Any, take: Any
) -> None:
    """Responsibilities of a row, added where positive to the column sums."""
    zero = np.float32(0)
    for j in range(r.shape[0]):
        v = keep * r[j] + take * (s[j] - top)
        r[j] = v
        total[j] += greater(zero, v)


@helper
def _top_two(
    a: FloatVector, s: FloatVector, peak: FloatVector
) -> tuple[int, np.float32, np.float32]:
    """Where a + s is greatest (first of equals), its value, and the greatest elsewhere."""
    b = 0
    for c in range(1, peak.shape[0]):
        if peak[c] > peak[b]:
            b = c
    second = np.float32(-np.inf)
    for c in range(peak.shape[0]):
        if c != b:
            second = max(second, peak[c])
    low = b * _BLOCK
    high = min(a.shape[0], low + _BLOCK)
    # Not peak[b]: that was summed before rounding, and may equal no stored a + s.
    top = _highest(a[low:high], s[low:high])
    first = low
    while first < high - 1 and a[first] + s[first] < top:
        first += 1
    second = max(second, _highest(a[low:first], s[low:first]))
    second = max(second, _highest(a[first + 1 : high], s[first + 1 : high]))
    return first, top, second


@kernel
def _pass(
    S: FloatMatrix,
    A: FloatMatrix,
    R: FloatMatrix,
    own: NDArray[np.int32],
    base: FloatVector,
    availability: FloatVector,
    responsibility: FloatVector,
    sums: FloatMatrix,
    damping: np.float32,
) -> None:
    n, m = S.shape
    take = np.float32(1) - damping
    zero = np.float32(0)
    chunks = sums.shape[0]
    blocks = (m + _BLOCK - 1) // _BLOCK
    for chunk in prange(chunks):
        total = sums[chunk]
        total[:] = zero
        peak = np.empty(blocks, dtype=np.float32)
        for i in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            s, a, r = S[i], A[i], R[i]
            o = own[i]
            for b in range(blocks):
                low, high = b * _BLOCK, min(m, (b + 1) * _BLOCK)
                peak[b] = _available(
                    a[low:high], r[low:high], s[low:high], base[low:high], damping, take
                )
            total_own = zero
            if o >= 0:
                a[o] = availability[o]
                total_own = total[o]
                low = (o // _BLOCK) * _BLOCK
                high = min(m, low + _BLOCK)
                peak[o // _BLOCK] = _highest(a[low:high], s[low:high])
            first, top, second = _top_two(a, s, peak)
            r_first, total_first = r[first], total[first]
            _respond(r, s, total, top, damping, take)
            r[first] = damping * r_first + take * (s[first] - second)
            total[first] = total_first + max(zero, r[first])
            if o >= 0:
                responsibility[o] = r[o]
                total[o] = total_own


@kernel
def _best_sums(S: FloatMatrix, columns: IntVector, own: NDArray[np.int32]) -> NDArray[np.float64]:
    """Similarity of each row to its best of the given columns; 0 for the columns themselves."""
    n = S.shape[0]
    chosen = np.zeros(S.shape[1], dtype=np.bool_)
    for c in columns:
        chosen[c] = True
    out = np.zeros(n, dtype=np.float64)
    for i in prange(n):
        if own[i] >= 0 and chosen[own[i]]:
            continue
        high = np.float32(-np.inf)
        for c in columns:
            high = max(high, S[i, c])
        out[i] = high
    return out


@dataclass
class DenseMessages:
    """Similarities of all rows to all candidates, and the messages between them."""

    similarities: FloatMatrix
    own: NDArray[np.int32]
    A: FloatMatrix
    R: FloatMatrix
    sums: FloatMatrix
    standing: FloatMatrix
    single: float

    @classmethod
    def of(
        cls, vectors: FloatMatrix, candidates: Candidates, weights: FloatMatrix | None
    ) -> DenseMessages:
        """Similarities in blocks of one matrix product; messages start at nought."""
        left, right = product_form(vectors, vectors[candidates.rows])
        if weights is not None:
            left *= weights[:, None]
        n, m = len(left), len(right)
        S = np.empty((n, m), dtype=np.float32)
        for start in range(0, n, 512):
            block = S[start : start + 512]
            np.matmul(left[start : start + 512], right.T, out=block)
            np.minimum(block, 0, out=block)
        empty = np.empty((0, 0), dtype=np.float32)
        sums = np.zeros((_CHUNKS, m), dtype=np.float32)
        single = single_gain(vectors, candidates, weights)
        return cls(S, candidates.own, empty, empty, sums, empty, single)

    def reset(self) -> None:
        """Set all messages to nought."""
        self.A = self.R = np.empty((0, 0), dtype=np.float32)
        self.A = np.zeros_like(self.similarities)
        self.R = np.zeros_like(self.similarities)
        self.standing = np.zeros((3, self.similarities.shape[1]), dtype=np.float32)

    def run(self, preference: float, run: Run) -> Outcome:
        """Pass messages under this preference, which is written on the diagonal."""
        columns = self.similarities.shape[1]
        rows = np.flatnonzero(self.own >= 0)
        own_similarity = self_similarities(preference, columns)
        self.similarities[rows, self.own[rows]] = own_similarity[self.own[rows]]
        with threads_for(self.similarities.size):
            return propagate(self, columns, preference, run)

    def round(
        self,
        base: NDArray[np.float32],
        availability: NDArray[np.float32],
        responsibility: NDArray[np.float32],
        damping: float,
    ) -> FloatMatrix:
        """One round of messages; returns pieces of the sums of positive responsibilities."""
        _pass(
            self.similarities,
            self.A,
            self.R,
            self.own,
            base,
            availability,
            responsibility,
            self.sums,
            np.float32(damping),
        )
        return self.sums

    def gain(self, columns: IntVector) -> float:
        """Sum of similarities if these columns were the exemplars, without preferences."""
        return float(_best_sums(self.similarities, columns, self.own).sum())


def affinity_propagation(
    vectors: NDArray[Any],
    preference: float | None = None,
    damping: float = 0.5,
    *,
    max_iter: int = 200,
    convergence_iter: int = 15,
    candidates: NDArray[Any] | None = None,
    weights: NDArray[Any] | None = None,
    schedule: tuple[float, ...] = DAMPING_SCHEDULE,
) -> AffinityResult:
    """Cluster vectors around exemplars by dense affinity propagation.

    Gives the exemplars of ``sklearn.cluster.AffinityPropagation`` on the same input and damping,
    where no two choices are equally good. Where they are, scikit-learn decides by random noise;
    here the preferences differ by up to one part in a million, by a fixed hash of the row, and of
    equally central members the lowest row is taken.

    Parameters
    ----------
    vectors
        ``[n, d]``; similarity is the negative squared Euclidean distance.
    preference
        Similarity of a row to itself: the greater, the more exemplars. None takes the median of
        all n^2 similarities, as scikit-learn does.
    damping
        Share of the old message that is kept, .5 <= damping < 1.
    max_iter
        Rounds at damping .5; a run at damping g may take max_iter * .5 / (1 - g) rounds where the
        schedule raised it.
    convergence_iter
        Rounds that the exemplars must stand still.
    candidates
        Rows that may become exemplars; None allows all.
    weights
        ``[n]``: a row of weight w counts as w identical rows.
    schedule
        Dampings tried in turn, those above ``damping`` only, where a run does not converge. Each
        starts anew. If the last fails too, the exemplars of the best net similarity seen are
        returned, with ``converged`` false.

    Raises
    ------
    ValueError
        For vectors with NaN, a damping outside [.5, 1), no candidates, or weights below nought.
    """
    matrix = check_vectors(vectors)
    allowed = Candidates.of(len(matrix), candidates)
    mass = None if weights is None else np.ascontiguousarray(weights, dtype=np.float32)
    run = Run(damping, max_iter, convergence_iter, schedule)
    if preference is not None and (result := trivial(matrix, allowed, mass, preference, damping)):
        return result
    messages = DenseMessages.of(matrix, allowed, mass)
    if preference is None:
        preference = median(messages.similarities)
        if result := trivial(matrix, allowed, mass, preference, damping):
            return result
    return finish(matrix, allowed, mass, preference, messages.run(preference, run))
