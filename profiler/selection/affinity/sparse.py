"""Sparse affinity propagation: messages along the edges of a nearest-neighbour graph only.

Every row may choose itself or one of its k most similar candidates. A round costs n k instead of
n^2. When the messages have settled every row joins its nearest exemplar among all of them, by true
similarity, so the graph limits which exemplars are found, never who joins them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiler.kernels.jit import threads_for
from profiler.selection.affinity.cells import Graph, Tell
from profiler.selection.affinity.edges import best_edges, pass_messages
from profiler.selection.affinity.geometry import FloatMatrix, FloatVector, IntVector, check_vectors
from profiler.selection.affinity.messages import (
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
from profiler.selection.affinity.neighbours import neighbours
from profiler.selection.affinity.result import AffinityResult

DEFAULT_NEIGHBOURS = 100

_PIECES = 8

# Graphs of so many rows let rows whose messages stand still rest, for all rounds but each fifth.
_RESTING_ROWS = 20_000
_REST = 5

# Messages stand still when they move by no more than this share of the mean similarity.
_CALM = 1e-5


def _nothing() -> FloatMatrix:
    return np.empty((0, 0), dtype=np.float32)


@dataclass
class SparseMessages:
    """Messages along the edges of a graph, which is made once and serves any preference."""

    vectors: FloatMatrix
    candidates: Candidates
    weights: FloatVector | None
    graph: Graph
    single: float
    # Fields below are set by :meth:`set_preference`, :meth:`reset` and :meth:`round`.
    A: FloatMatrix = field(default_factory=_nothing)
    R: FloatMatrix = field(default_factory=_nothing)
    sums: FloatMatrix = field(default_factory=_nothing)
    standing: FloatMatrix = field(default_factory=_nothing)
    own_similarity: FloatVector = field(default_factory=_nothing)
    floor: float = 0.0
    rounds: int = 0

    @classmethod
    def of(
        cls,
        vectors: FloatMatrix,
        candidates: Candidates,
        weights: FloatVector | None,
        k: int = DEFAULT_NEIGHBOURS,
        seed: int = 0,
        tell: Tell | None = None,
    ) -> SparseMessages:
        """Make the graph; at least two candidates are needed."""
        m = len(candidates.rows)
        everyone = m == len(vectors)
        k = min(k, m - 1 if everyone or m > 2 else m)
        graph = neighbours(vectors, candidates, max(1, k), seed, tell)
        if weights is not None:
            graph.similarities[:] *= weights[graph.rows, None]
        return cls(vectors, candidates, weights, graph, single_gain(vectors, candidates, weights))

    def set_preference(self, preference: float) -> None:
        """Set what a candidate's similarity to itself is."""
        own = self_similarities(preference, len(self.candidates.rows))
        self.own_similarity = own[self.graph.candidates]
        self.floor = float(preference)
        self.rounds = 0

    def reset(self) -> None:
        """Set all messages to nought."""
        self.A = self.R = _nothing()
        shape, m = self.graph.similarities.shape, len(self.candidates.rows)
        self.A, self.R = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        self.sums = np.zeros((2 * _PIECES, m), dtype=np.float32)
        self.standing = np.zeros((3, m), dtype=np.float32)
        self.calm = np.zeros(shape[0], dtype=bool)
        self.everyone = self.active = np.arange(shape[0])
        self.rounds = 0

    def round(
        self,
        base: FloatVector,
        availability: FloatVector,
        responsibility: FloatVector,
        damping: float,
    ) -> FloatMatrix:
        """One round of messages; returns pieces of the sums of positive responsibilities.

        On a large graph rows whose messages stand still in one round are passed over in the four
        after it; what they give to the sums is kept.
        """
        whole = self.rounds % _REST == 0 or len(self.everyone) < _RESTING_ROWS
        limit = np.float32(-1)
        if whole:
            limit = np.float32(self.limit if len(self.everyone) >= _RESTING_ROWS else -1)
        graph = self.graph
        pass_messages(
            self.everyone if whole else self.active,
            graph.columns,
            graph.similarities,
            self.A,
            self.R,
            graph.own,
            self.own_similarity,
            base,
            availability,
            responsibility,
            self.sums,
            self.calm,
            limit,
            np.float32(damping),
        )
        if whole and limit >= 0:
            self.active = np.flatnonzero(~self.calm)
        self.rounds += 1
        return self.sums

    @cached_property
    def limit(self) -> float:
        """By how much messages that stand still may move, from the mean similarity."""
        return float(-_CALM * self.graph.similarities[::97].mean())

    def gain(self, columns: IntVector) -> float:
        """Sum of similarities over the graph; without a chosen neighbour, the preference."""
        chosen = np.zeros(len(self.candidates.rows), dtype=bool)
        chosen[columns] = True
        graph = self.graph
        best = best_edges(graph.columns, graph.similarities, graph.own, chosen, self.floor)
        return float(best.sum())

    def run(self, preference: float, run: Run) -> Outcome:
        """Pass messages under this preference.

        On a large graph a few corners may swing while all else stands still: damping is raised as
        soon as no fewer columns move, and the messages at hand are kept.
        """
        self.set_preference(preference)
        run = replace(run, keep=True)
        with threads_for(self.graph.similarities.size):
            outcome = propagate(self, len(self.candidates.rows), preference, run)
        return replace(outcome, columns=np.sort(self.graph.candidates[outcome.columns]))

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
