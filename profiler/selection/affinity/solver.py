"""From a goal (a number of exemplars or a preference) to a clustering of distinct vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from profiler.selection.affinity.cells import Tell
from profiler.selection.affinity.dense import DenseMessages
from profiler.selection.affinity.geometry import FloatMatrix, FloatVector, squares_from
from profiler.selection.affinity.messages import (
    DAMPING_SCHEDULE,
    Candidates,
    Run,
    finish,
    most_central,
    trivial,
)
from profiler.selection.affinity.result import AffinityResult, assign, net_similarity
from profiler.selection.affinity.search import Trial, search_preference, thin, tolerance
from profiler.selection.affinity.sparse import DEFAULT_NEIGHBOURS, SparseMessages

Method = Literal["auto", "dense", "sparse"]

# Up to here the exact method takes seconds; beyond, the graph gives the same clusters sooner.
DENSE_ROWS = 3_000

MAX_NEIGHBOURS = 1_000

# While searching, a number of exemplars that varies by less than a per cent is settled enough.
_SEARCH_ROUNDS, _SEARCH_STILL, _SEARCH_SLACK, _SEARCH_DAMPING = 100, 10, 0.01, 0.9


@dataclass(frozen=True)
class Goal:
    """What is wanted.

    Attributes
    ----------
    target
        Number of exemplars, or None where ``preference`` is given.
    preference
        Preference, or None where ``target`` is given.
    share
        The share that ``target`` came from, if any.
    at_most
        The target must not be exceeded.
    everyone
        Every user is to be asked.
    """

    target: int | None = None
    preference: float | None = None
    share: float | None = None
    at_most: bool = False
    everyone: bool = False


@dataclass(frozen=True)
class How:
    """By which means; see :func:`profiler.exemplars.choose_exemplars`.

    ``tell`` is called with (step, done, total).
    """

    damping: float = 0.5
    method: Method = "auto"
    neighbours: int | None = None
    seed: int = 0
    tell: Tell | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if not 0.5 <= self.damping < 1:
            raise ValueError(f"damping must be at least .5 and below 1, not {self.damping}")
        if self.method not in ("auto", "dense", "sparse"):
            raise ValueError(f"method must be auto, dense or sparse, not {self.method!r}")
        if self.neighbours is not None and self.neighbours < 1:
            raise ValueError(f"neighbours must be at least 1, not {self.neighbours}")


class ChoiceSettings(TypedDict, total=False):
    """What was asked for in a choice of exemplars and what was found; stored with it as JSON.

    Attributes
    ----------
    share, target, damping, seed, center, candidates
        As asked for; ``candidates`` is how many users may be exemplars.
    users, distinct, without_text
        Users with text, distinct ones among them, and users without.
    method, neighbours, preference, trials, iterations, damping_used, unsettled, thinned
        How it was found: ``trials`` are (preference, exemplars) of the search, ``unsettled`` the
        users whose messages had not settled, ``thinned`` the exemplars left out to keep to a
        number.
    messages
        What a reader should know, in sentences.
    usd
        The given limit in dollars and the expected cost.
    kept, far, threshold, added, new
        Of a choice that keeps earlier exemplars: how many, users far from all of them and from
        which similarity on, how many were added, and how these were chosen.
    """

    share: float | None
    target: int | None
    damping: float
    seed: int
    center: bool
    candidates: int | None
    users: int
    distinct: int
    without_text: int
    method: str
    neighbours: int | None
    preference: float | None
    trials: list[list[float]]
    iterations: int
    damping_used: float
    unsettled: int
    thinned: int
    messages: list[str]
    usd: dict[str, float]
    kept: int
    far: int
    threshold: float
    added: int
    new: ChoiceSettings


@dataclass(frozen=True)
class Solution:
    """A clustering of the distinct vectors and how it was found."""

    result: AffinityResult
    settings: ChoiceSettings


def graph_neighbours(rows: int, target: int | None) -> int:
    """Neighbours of a sparse graph: four mean clusters, from 100 to 1,000.

    A row can only choose an exemplar among its neighbours, so a graph with k of them hardly gives
    fewer than rows / k exemplars.
    """
    wished = DEFAULT_NEIGHBOURS if target is None else 4 * rows // max(target, 1)
    return min(max(wished, DEFAULT_NEIGHBOURS), MAX_NEIGHBOURS)


class _Solver:
    """Clusters the same vectors at any preference; similarities are computed once.

    ``warm``: runs of the search start from the messages of the run before.
    """

    warm = True

    def __init__(
        self,
        vectors: FloatMatrix,
        weights: FloatVector,
        candidates: Candidates,
        damping: float,
        graph: SparseMessages | None,
        dense: bool,
        tell: Tell | None = None,
    ) -> None:
        self._tell, self._runs = tell, 0
        self.vectors, self.weights, self.candidates = vectors, weights, candidates
        self.quick = damping  # raised for good where a run of the search does not settle
        self.messages: DenseMessages | SparseMessages | None = None if dense else graph
        self.graph = graph

    def count(self, preference: float) -> int:
        """Exemplars at a preference, by one quick run from where the last one ended."""
        self._begin("searching the preference")
        run = Run(
            self.quick,
            _SEARCH_ROUNDS,
            _SEARCH_STILL,
            (_SEARCH_DAMPING,),
            _SEARCH_SLACK,
            warm=self.warm,
        )
        outcome = (self.graph or self._all()).run(preference, run)
        self.quick = outcome.damping
        return max(1, len(outcome.columns))

    def cluster(self, preference: float) -> AffinityResult:
        """Cluster at a preference, with every remedy against oscillation.

        Starts cold, so that the preference alone decides, with the damping that the search needed.
        """
        self._begin("choosing exemplars")
        run = Run(self.quick, 200, 15, DAMPING_SCHEDULE)
        outcome = self._all().run(preference, run)
        return finish(self.vectors, self.candidates, self.weights, preference, outcome)

    def _begin(self, what: str) -> None:
        self._runs += 1
        if self._tell is not None:
            self._tell(f"{what} · run {self._runs} of the messages", 0, 0)

    def _all(self) -> DenseMessages | SparseMessages:
        """The messages that decide; all pairs are computed when they are first needed."""
        if self.messages is None:
            self.messages = DenseMessages.of(self.vectors, self.candidates, self.weights)
        return self.messages


def solve(
    vectors: FloatMatrix,
    weights: FloatVector,
    allowed: NDArray[np.bool_],
    goal: Goal,
    how: How,
) -> Solution:
    """Cluster distinct vectors; see :func:`profiler.exemplars.choose_exemplars`.

    Parameters
    ----------
    vectors
        ``[n, d]``, no two alike.
    weights
        ``[n]`` users that each row stands for.
    allowed
        ``[n]`` whether a row may be an exemplar.
    goal, how
        What is wanted, and by which method.
    """
    candidates = Candidates.of(len(vectors), np.flatnonzero(allowed))
    if goal.target == 1:  # the one nearest to everyone needs no messages
        candidates = Candidates.of(len(vectors), most_central(vectors, candidates, weights))
    if len(candidates.rows) == 1:
        fixed = 0.0 if goal.preference is None else goal.preference
        only = trivial(vectors, candidates, weights, fixed, how.damping)
        if only is not None:
            return Solution(only, {"method": "single", "preference": fixed, "trials": []})
    k = how.neighbours or graph_neighbours(len(vectors), goal.target)
    dense = how.method == "dense" or (how.method == "auto" and len(vectors) <= DENSE_ROWS)
    # The dense method searches on the graph too, unless that would be nearly as large.
    searched = goal.target is not None and 4 * k < len(candidates.rows)
    graph = None
    if not dense or searched:
        graph = SparseMessages.of(vectors, candidates, weights, k, how.seed, how.tell)
    solver = _Solver(vectors, weights, candidates, how.damping, graph, dense, how.tell)
    settings: ChoiceSettings = {
        "method": "dense" if dense else "sparse",
        "neighbours": None if graph is None else int(graph.graph.columns.shape[1]),
    }
    trials: list[Trial] = []
    preference = goal.preference
    if preference is None:
        start = starting_preference(vectors, weights, goal.target or 1)
        trials = search_preference(solver.count, goal.target or 1, start)
        preference = trials[-1].preference
    result = solver.cluster(preference)
    if goal.target is not None:
        result = _corrected(solver, result, goal.target)
    result, note = _within_target(solver, result, goal)
    settings |= {
        "preference": result.preference,
        "trials": [[trial.preference, trial.exemplars] for trial in trials],
        "iterations": result.iterations,
        "damping_used": result.damping,
        "unsettled": result.unsettled,
        "thinned": note,
    }
    return Solution(result, settings)


def starting_preference(vectors: FloatMatrix, weights: FloatVector, target: int) -> float:
    """First guess: the loss of a cluster whose members lie half as far out as all users do."""
    mean = np.average(vectors, axis=0, weights=weights)
    spread = float(np.average(squares_from(vectors, mean), weights=weights))
    size = float(weights.sum()) / target
    return -max(spread * min(size, 16.0) / 8, 1e-6)


def _corrected(solver: _Solver, result: AffinityResult, target: int) -> AffinityResult:
    """Run again, twice at most, where the settled run missed what the quick ones had met."""
    for _ in range(2):
        found = len(result.exemplars)
        if abs(found - target) <= tolerance(target) or abs(found - target) > 0.2 * target:
            break
        other = solver.cluster(result.preference * found / target)
        if abs(len(other.exemplars) - target) >= abs(found - target):
            break
        result = other
    return result


def _within_target(
    solver: _Solver, result: AffinityResult, goal: Goal
) -> tuple[AffinityResult, int]:
    """Thin exemplars that exceed what is allowed; returns how many were left out."""
    if goal.target is None:
        return result, 0
    slack = 0 if goal.at_most else tolerance(goal.target)
    surplus = len(result.exemplars) - goal.target
    if surplus <= slack:
        return result, 0
    exemplars = thin(solver.vectors, result.exemplars, goal.target, solver.weights)
    labels = assign(solver.vectors, exemplars)
    net = net_similarity(solver.vectors, exemplars, labels, result.preference, solver.weights)
    thinned = AffinityResult(
        exemplars,
        labels,
        net,
        result.iterations,
        result.converged,
        result.damping,
        result.preference,
        result.unsettled,
    )
    return thinned, surplus
