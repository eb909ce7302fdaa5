"""Sparse affinity propagation: messages along the edges of a nearest-neighbour graph only.

Every row may choose itself or one of its k most similar candidates. A round costs n k instead of
n^2. When the messages have settled every row joins its nearest exemplar among all of them, by true
similarity, so the graph limits which exemplars are found, never who joins them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from profiler.exemplars._jit import helper, kernel, threads_for
from profiler.exemplars.geometry import FloatMatrix, FloatVector, IntVector, check_vectors
from profiler.exemplars.messages import (
    DAMPING_SCHEDULE,
    Candidates,
    Outcome,
    Run,
    finish,
    propagate,
    self_similarities,
    single_gain,
    trivial,
)
from profiler.exemplars.neighbours import neighbours
from profiler.exemplars.result import AffinityResult

DEFAULT_NEIGHBOURS = 100

_CHUNKS = 16


@helper
def _top_two(a: FloatVector, s: FloatVector, top: Any) -> tuple[int, np.float32, np.float32]:
    """Greatest and second greatest of a + s and of ``top``, and where: -1 where ``top`` is it."""
    first, second = -1, np.float32(-np.inf)
    for e in range(a.shape[0]):
        v = a[e] + s[e]
        if v > top:
            first, top, second = e, v, top
        elif v > second:
            second = v
    return first, top, second


@kernel
def _pass(
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
    damping: np.float32,
) -> None:
    n, k = S.shape
    take = np.float32(1) - damping
    zero = np.float32(0)
    chunks = sums.shape[0]
    for chunk in prange(chunks):
        total = sums[chunk]
        total[:] = zero
        for i in range(chunk * n // chunks, (chunk + 1) * n // chunks):
            s, a, r, columns = S[i], A[i], R[i], found[i]
            o = own[i]
            top = availability[o] + self_similarity[o] if o >= 0 else np.float32(-np.inf)
            for e in range(k):
                base_of = base[columns[e]]
                a[e] = damping * a[e] + take * min(zero, base_of - max(zero, r[e]))
            first, top, second = _top_two(a, s, top)
            for e in range(k):
                r[e] = damping * r[e] + take * (s[e] - top)
            if first >= 0:
                r[first] += take * (top - second)
            for e in range(k):
                if r[e] > zero:
                    total[columns[e]] += r[e]
            if o >= 0:
                best = second if first < 0 else top
                responsibility[o] = damping * responsibility[o] + take * (self_similarity[o] - best)


@kernel
def _best_edges(
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


@dataclass
class SparseMessages:
    """Edges from rows to candidates, and the messages along them.

    ``found`` and ``similarities`` are ``[n, k]``; the graph is made once and serves any number of
    preferences.
    """

    vectors: FloatMatrix
    candidates: Candidates
    weights: FloatVector | None
    found: NDArray[np.int32]
    similarities: FloatMatrix
    A: FloatMatrix
    R: FloatMatrix
    own_similarity: FloatVector
    sums: FloatMatrix
    single: float
    floor: float = 0.0

    @classmethod
    def of(
        cls,
        vectors: FloatMatrix,
        candidates: Candidates,
        weights: FloatVector | None,
        k: int = DEFAULT_NEIGHBOURS,
        seed: int = 0,
    ) -> SparseMessages:
        """Make the graph; at least two candidates are needed."""
        m = len(candidates.rows)
        everyone = m == len(vectors)
        k = min(k, m - 1 if everyone or m > 2 else m)
        found, similarities = neighbours(vectors, candidates, max(1, k), seed)
        if weights is not None:
            similarities *= weights[:, None]
        empty = np.empty((0, 0), dtype=np.float32)
        zero = np.zeros(m, dtype=np.float32)
        sums = np.zeros((_CHUNKS, m), dtype=np.float32)
        single = single_gain(vectors, candidates, weights)
        return cls(
            vectors, candidates, weights, found, similarities, empty, empty, zero, sums, single
        )

    def set_preference(self, preference: float) -> None:
        """Set what a candidate's similarity to itself is."""
        self.own_similarity = self_similarities(preference, len(self.candidates.rows))
        self.floor = float(preference)

    def reset(self) -> None:
        """Forget all messages."""
        self.A = self.R = np.empty((0, 0), dtype=np.float32)
        self.A = np.zeros_like(self.similarities)
        self.R = np.zeros_like(self.similarities)

    def round(
        self,
        base: FloatVector,
        availability: FloatVector,
        responsibility: FloatVector,
        damping: float,
    ) -> NDArray[np.float64]:
        """One round of messages; returns the column sums of positive responsibilities."""
        _pass(
            self.found,
            self.similarities,
            self.A,
            self.R,
            self.candidates.own,
            self.own_similarity,
            base,
            availability,
            responsibility,
            self.sums,
            np.float32(damping),
        )
        return np.asarray(self.sums.sum(axis=0, dtype=np.float64))

    def gain(self, columns: IntVector) -> float:
        """Sum of similarities over the graph; without a chosen neighbour, the preference."""
        chosen = np.zeros(len(self.candidates.rows), dtype=bool)
        chosen[columns] = True
        best = _best_edges(self.found, self.similarities, self.candidates.own, chosen, self.floor)
        return float(best.sum())

    def run(self, preference: float, run: Run) -> Outcome:
        """Pass messages under this preference.

        On a large graph a few corners may swing while all else stands still: damping is raised as
        soon as no fewer columns move, and the messages at hand are kept.
        """
        self.set_preference(preference)
        run = replace(run, keep=True)
        with threads_for(self.similarities.size):
            return propagate(self, len(self.candidates.rows), preference, run)

    def cluster(self, preference: float, run: Run) -> AffinityResult:
        """Pass messages under this preference and assign every row."""
        outcome = self.run(preference, run)
        return finish(self.vectors, self.candidates, self.weights, preference, outcome)


def sparse_affinity_propagation(
    vectors: NDArray[Any],
    preference: float,
    damping: float = 0.5,
    *,
    k: int = DEFAULT_NEIGHBOURS,
    max_iter: int = 200,
    convergence_iter: int = 15,
    candidates: NDArray[Any] | None = None,
    weights: NDArray[Any] | None = None,
    schedule: tuple[float, ...] = DAMPING_SCHEDULE,
) -> AffinityResult:
    """Cluster vectors around exemplars by affinity propagation on a nearest-neighbour graph.

    Parameters are those of :func:`profiler.exemplars.affinity_propagation`; ``preference`` must be
    given, and ``k`` is the number of neighbours. A cluster can hold more than k rows, but hardly
    many times more, so k should be a few times the cluster size wished for.
    """
    matrix = check_vectors(vectors)
    allowed = Candidates.of(len(matrix), candidates)
    mass = None if weights is None else np.ascontiguousarray(weights, dtype=np.float32)
    run = Run(damping, max_iter, convergence_iter, schedule)
    if result := trivial(matrix, allowed, mass, preference, damping):
        return result
    return SparseMessages.of(matrix, allowed, mass, k).cluster(preference, run)
