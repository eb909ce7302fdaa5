"""The round of affinity propagation that dense and sparse messages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from profiler.selection.affinity.geometry import (
    FloatMatrix,
    FloatVector,
    IntVector,
    similarity_to,
    squares_from,
)
from profiler.selection.affinity.result import AffinityResult, assign, net_similarity, refine
from profiler.selection.affinity.settling import Still, settle

# Tried in turn where a run does not converge; the paper's remedy for oscillation is more damping.
DAMPING_SCHEDULE = (0.5, 0.7, 0.9, 0.95)

# From this round on the net similarity of the exemplars is looked at every fifth round, so that a
# run that never settles can return the best it has seen. Most runs converge before.
WATCH_FROM = 50
WATCH_EVERY = 5

# What availabilities fall to in place of nought: halved round by round they would pass through
# numbers too small to be held normally, which processors treat a hundred times more slowly.
NEARLY_ZERO = np.float32(-1e-30)

# Relative spread of the preferences that breaks exact ties.
TIE_SPREAD = 1e-6


@dataclass(frozen=True)
class Candidates:
    """Rows that may become exemplars: ``rows`` ``[m]`` ascending, ``own`` ``[n]`` column or -1."""

    rows: IntVector
    own: NDArray[np.int32]

    @classmethod
    def of(cls, n: int, rows: NDArray[Any] | None) -> Candidates:
        """All of ``n`` rows, or the given ones.

        Raises
        ------
        ValueError
            If there is none, or one is no row.
        """
        chosen = np.arange(n) if rows is None else np.unique(np.asarray(rows, dtype=np.int64))
        if len(chosen) == 0:
            raise ValueError("no candidates: at least one row must be allowed as an exemplar")
        if chosen[0] < 0 or chosen[-1] >= n:
            raise ValueError(f"candidates must be rows 0 to {n - 1}, not {chosen[0]}..{chosen[-1]}")
        own = np.full(n, -1, dtype=np.int32)
        own[chosen] = np.arange(len(chosen), dtype=np.int32)
        return cls(chosen, own)

    def mask(self) -> NDArray[np.bool_]:
        """Whether each row is a candidate, ``[n]``."""
        return np.asarray(self.own >= 0)


@dataclass(frozen=True)
class Run:
    """How long and how strongly damped the messages are passed."""

    damping: float
    max_iter: int
    convergence_iter: int
    schedule: tuple[float, ...]
    slack: float = 0.0  # share by which the number of exemplars may still vary; 0: none may move
    keep: bool = False  # go on from the messages at hand when damping is raised, as soon as stuck
    warm: bool = False  # start from the messages of the run before, if there was one

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0.5 <= self.damping < 1:
            raise ValueError(f"damping must be at least .5 and below 1, not {self.damping}")
        if self.max_iter < 1 or self.convergence_iter < 1:
            raise ValueError("max_iter and convergence_iter must be at least 1")

    def tries(self) -> list[tuple[float, int]]:
        """Damping and greatest number of rounds of each try."""
        later = [damping for damping in self.schedule if damping > self.damping]
        slower = [(damping, round(self.max_iter * 0.5 / (1 - damping))) for damping in later]
        return [(self.damping, self.max_iter), *slower]


class Messages(Protocol):
    """Messages between rows and candidates, dense or on a graph.

    ``single`` is the sum of similarities to the one most central candidate: the net similarity of
    the simplest clustering, which any result must reach. ``standing`` ``[3, m]`` are the
    candidates' own messages (availability, responsibility and base), none before a reset.
    """

    single: float
    standing: FloatMatrix

    def reset(self) -> None:
        """Set all messages to nought."""

    def round(
        self,
        base: NDArray[np.float32],
        availability: NDArray[np.float32],
        responsibility: NDArray[np.float32],
        damping: float,
    ) -> FloatMatrix:
        """Bring availabilities up to date from ``base``, then responsibilities.

        Parameters
        ----------
        base
            ``[m]``: self-responsibility plus the positive responsibilities of all other rows.
        availability
            ``[m]``: self-availabilities of this round.
        responsibility
            ``[m]``: self-responsibilities, written.
        damping
            Share of the old message that is kept.

        Returns
        -------
        ``[pieces, m]``: sums of the positive responsibilities of all other rows, in pieces that
        are still to be added up.
        """

    def gain(self, columns: IntVector) -> float:
        """Sum of similarities if these columns were the exemplars, without preferences."""


@dataclass(frozen=True)
class Outcome:
    """Where the messages stopped: exemplars as columns, perhaps none.

    ``unsettled`` counts the candidates that came or went in the last rounds.
    """

    columns: IntVector
    iterations: int
    converged: bool
    damping: float
    unsettled: int = 0


def self_similarities(preference: float, count: int) -> NDArray[np.float32]:
    """The preference once for each candidate, apart by up to one part in a million.

    Exact ties (a pair of users, say) would leave the messages undecided for ever.
    """
    mixed = (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
    return (preference * (1 + TIE_SPREAD * (mixed / 2**32))).astype(np.float32)


class _Watch:
    """The best exemplars of the rounds looked at."""

    def __init__(self, messages: Messages, preference: float) -> None:
        self.messages, self.preference = messages, preference
        self.columns: IntVector = np.empty(0, dtype=np.int64)
        self.best = -np.inf

    def net(self, found: IntVector) -> float:
        return self.messages.gain(found) + self.preference * len(found)

    def look(self, iteration: int, chosen: NDArray[np.bool_]) -> None:
        if iteration < WATCH_FROM or iteration % WATCH_EVERY or not chosen.any():
            return
        found = np.flatnonzero(chosen)
        net = self.net(found)
        if net > self.best:
            self.columns, self.best = found, net


def propagate(messages: Messages, columns: int, preference: float, run: Run) -> Outcome:
    """Pass messages until the exemplars stand still, with more damping where they do not."""
    watch = _Watch(messages, preference)
    done, iterations, used, unsettled = 0, 0, run.damping, 0
    # One part in a thousand for rounding, and because a graph knows not all similarities.
    least = (messages.single + preference) * 1.001
    tries = run.tries()
    for number, (used, limit) in enumerate(tries):
        done = done + iterations if run.keep else 0
        if not (run.keep if number else run.warm and len(messages.standing)):
            messages.reset()
        availability, responsibility, base = messages.standing
        still = Still(columns, run.convergence_iter, run.slack)
        for iterations in range(1, limit + 1):
            sums = messages.round(base, availability, responsibility, used)
            now = iterations - 1
            settle(sums, responsibility, availability, base, still.chosen, still.moved, used, now)
            if still.add(now):
                found = np.flatnonzero(still.chosen)
                # Slow swings look still for a while, with everyone an exemplar: that is no result.
                if watch.net(found) >= least:
                    return Outcome(found, done + iterations, True, used)
            watch.look(iterations, still.chosen)
            if run.keep and used < tries[-1][0] and still.stuck(now):
                break
        unsettled = still.unsettled(iterations - 1)
    return Outcome(watch.columns, done + iterations, False, used, unsettled)


def finish(
    vectors: FloatMatrix,
    candidates: Candidates,
    weights: FloatMatrix | None,
    preference: float,
    outcome: Outcome,
) -> AffinityResult:
    """Clustering around the exemplars found; the most central candidate where there is none."""
    if len(outcome.columns):
        exemplars = candidates.rows[outcome.columns]
        exemplars, labels = refine(vectors, exemplars, weights, candidates.mask())
    else:
        exemplars = most_central(vectors, candidates, weights)
        labels = assign(vectors, exemplars)
    net = net_similarity(vectors, exemplars, labels, preference, weights)
    return AffinityResult(
        exemplars,
        labels,
        net,
        outcome.iterations,
        outcome.converged,
        outcome.damping,
        float(preference),
        outcome.unsettled,
    )


def single_gain(vectors: FloatMatrix, candidates: Candidates, weights: FloatVector | None) -> float:
    """Sum of the similarities of all rows to the most central candidate."""
    row = most_central(vectors, candidates, weights)
    gain = similarity_to(vectors, vectors[row], np.zeros(len(vectors), dtype=np.int64))
    return float((gain.astype(np.float64) * (1 if weights is None else weights)).sum())


def most_central(
    vectors: FloatMatrix, candidates: Candidates, weights: FloatMatrix | None
) -> IntVector:
    """The one candidate nearest to the mean of all rows, ``[1]``."""
    mean = np.average(vectors, axis=0, weights=weights)
    distance = squares_from(vectors, mean, candidates.rows)
    return candidates.rows[[int(np.argmin(distance))]]


def trivial(
    vectors: FloatMatrix,
    candidates: Candidates,
    weights: FloatMatrix | None,
    preference: float,
    damping: float,
) -> AffinityResult | None:
    """The clustering where nothing is to be decided, else None.

    One candidate serves all. Where all rows are equally similar (identical, two of them, corners
    of a simplex), all candidates are exemplars if the preference exceeds that similarity and the
    first alone if not, as in scikit-learn.
    """
    rows = candidates.rows
    if len(rows) == 1:
        columns = np.zeros(1, dtype=np.int64)
    elif weights is None and (similarity := _common_similarity(vectors)) is not None:
        everyone = preference > similarity
        columns = np.arange(len(rows)) if everyone else np.zeros(1, dtype=np.int64)
    else:
        return None
    exemplars = rows[columns]
    labels = assign(vectors, exemplars)
    net = net_similarity(vectors, exemplars, labels, preference, weights)
    return AffinityResult(exemplars, labels, net, 0, True, damping, float(preference))


def _common_similarity(vectors: FloatMatrix) -> float | None:
    """The similarity of all pairs where it is one and the same, to one part in a million."""
    gaps = ((vectors[1:] - vectors[0]) ** 2).sum(axis=1, dtype=np.float64)
    if np.ptp(gaps) > 1e-6 * gaps.max():
        return None
    if gaps.max() == 0:
        return 0.0
    # Equally far from the first row and from each other: more rows than dimensions allow is no.
    if len(vectors) > vectors.shape[1] + 1:
        return None
    squares = (vectors**2).sum(axis=1, dtype=np.float64)
    pairs = squares[:, None] + squares - 2 * (vectors.astype(np.float64) @ vectors.T)
    upper = pairs[np.triu_indices(len(vectors), 1)]
    return -float(gaps[0]) if np.ptp(upper) <= 1e-6 * upper.max() else None
