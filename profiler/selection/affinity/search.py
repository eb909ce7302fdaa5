"""Finding the preference that gives the wanted number of exemplars, with few runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from profiler.selection.affinity.geometry import (
    BLOCK_FLOATS,
    FloatMatrix,
    FloatVector,
    IntVector,
    product_form,
)

# A number of exemplars within this share of the target (and within one of it) is good enough.
TOLERANCE = 0.03

MAX_RUNS = 12

# Greatest step of log(-preference) where the target is not yet bracketed: a factor of sixteen.
_STRIDE = math.log(16)


@dataclass(frozen=True)
class Trial:
    """One run of the search: a preference and the number of exemplars it gave."""

    preference: float
    exemplars: int


def tolerance(target: int) -> int:
    """How many exemplars more or fewer than ``target`` are accepted: 3 %, at least one."""
    return max(1, round(TOLERANCE * target))


def search_preference(
    count: Callable[[float], int], target: int, start: float, max_runs: int = MAX_RUNS
) -> list[Trial]:
    """Preferences tried on the way to ``target`` exemplars, the best last.

    The number of exemplars falls as the preference falls, and nearly as a power of it, so the
    search interpolates log(exemplars) over log(-preference) between the nearest preferences that
    gave too many and too few. It keeps to the middle nine tenths of that bracket, which therefore
    shrinks with every run even where the numbers jump or are not quite monotone, and halves it
    after a run that did not.

    Parameters
    ----------
    count
        Runs the clustering at a preference below nought and counts its exemplars.
    target
        Wanted number of exemplars, at least 1.
    start
        First preference, below nought.
    max_runs
        Runs after which the nearest found is taken.

    Raises
    ------
    ValueError
        If ``target`` or ``start`` is out of range.
    """
    if target < 1 or start >= 0:
        raise ValueError(f"target must be at least 1 and start negative, not {target}, {start}")
    goal = math.log(target)
    many: tuple[float, float] | None = None  # log(-preference), log(exemplars) above the goal
    few: tuple[float, float] | None = None
    trials: list[Trial] = []
    x, width = math.log(-start), math.inf
    while len(trials) < max_runs:
        trials.append(Trial(-math.exp(x), count(-math.exp(x))))
        found = max(trials[-1].exemplars, 0.5)
        if abs(found - target) <= tolerance(target):
            break
        if found > target:
            many = (x, math.log(found))
        else:
            few = (x, math.log(found))
        if _at_the_floor(trials, few is None):
            break
        if many is None or few is None:
            gap = math.log(found) - goal
            stride = 1.5 * gap + math.copysign(0.2, gap)
            x += max(-_STRIDE, min(_STRIDE, stride))
            continue
        if abs(few[0] - many[0]) < 1e-6:
            break
        share = (many[1] - goal) / (many[1] - few[1])
        before, width = width, abs(few[0] - many[0])
        if width > 0.5 * before:  # the curve bends: interpolating would creep along one side
            share = 0.5
        x = many[0] + (few[0] - many[0]) * max(0.05, min(0.95, share))
    return sorted(trials, key=lambda t: (abs(t.exemplars - target), t.exemplars), reverse=True)


def _at_the_floor(trials: list[Trial], always_too_many: bool) -> bool:
    """Whether a far lower preference left the number as it was: a graph allows no fewer."""
    last = trials[-1]
    return always_too_many and any(
        last.preference < 200 * trial.preference and last.exemplars > 0.98 * trial.exemplars
        for trial in trials[:-1]
    )


def sweep(
    count: Callable[[float], int], preferences: Sequence[float | None], median: float
) -> list[Trial]:
    """Number of exemplars at each preference of a grid; None stands for ``median``."""
    chosen = [median if preference is None else preference for preference in preferences]
    return [Trial(preference, count(preference)) for preference in chosen]


def _two_nearest(
    vectors: FloatMatrix, targets: FloatMatrix
) -> tuple[IntVector, IntVector, FloatVector, FloatVector]:
    """Index and similarity of the most and second most similar target of each row."""
    left, right = product_form(vectors, targets)
    first = np.empty(len(vectors), dtype=np.int64)
    second = np.empty(len(vectors), dtype=np.int64)
    best = np.empty(len(vectors), dtype=np.float32)
    next_best = np.empty(len(vectors), dtype=np.float32)
    rows = max(1, BLOCK_FLOATS // len(targets))
    for start in range(0, len(vectors), rows):
        part = slice(start, start + rows)
        block = left[part] @ right.T
        lines = np.arange(len(block))
        first[part] = block.argmax(axis=1)
        best[part] = block[lines, first[part]]
        block[lines, first[part]] = -np.inf
        second[part] = block.argmax(axis=1)
        next_best[part] = block[lines, second[part]]
    return first, second, np.minimum(best, 0), np.minimum(next_best, 0)


def thin(
    vectors: FloatMatrix, exemplars: IntVector, count: int, weights: FloatVector | None = None
) -> IntVector:
    """Leave out exemplars one by one until ``count`` are left, each time the least missed.

    Least missed is the one whose members lose least similarity by going to their second nearest.
    This is how a budget is kept exactly where no preference gives that number.

    Returns
    -------
    The remaining rows, ascending.
    """
    mass = np.ones(len(vectors)) if weights is None else weights.astype(np.float64)
    kept = np.asarray(exemplars, dtype=np.int64)
    alive = np.ones(len(kept), dtype=bool)
    if len(kept) <= max(count, 1):
        return kept
    first, second, best, next_best = _two_nearest(vectors, vectors[kept])
    while alive.sum() > max(count, 1):
        loss = np.bincount(first, mass * (best - next_best), minlength=len(kept))
        loss[~alive] = np.inf
        gone = int(np.argmin(loss))
        alive[gone] = False
        moved = np.flatnonzero((first == gone) | (second == gone))
        left = np.flatnonzero(alive)
        if len(left) < 2:
            break
        a, b, best[moved], next_best[moved] = _two_nearest(vectors[moved], vectors[kept[left]])
        first[moved], second[moved] = left[a], left[b]
    return kept[alive]
