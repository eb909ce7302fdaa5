"""Weighted maximum coverage under a budget: lazy greedy on decremental gains, with a bound.

Greedy is within 1 - 1/e of the optimum where all sets cost the same (Nemhauser, Wolsey and Fisher
1978, Mathematical Programming 14); with costs, the better of greedy by gain per cost and the best
single set is within (1 - 1/e) / 2 of it (Khuller, Moss and Naor 1999, Information Processing
Letters 70). What one run is really worth is told by the bound computed from its own gains.

Weights are held as 52-bit fixed point numbers, so gains are exact: the lazy run picks the same
sets in the same order as a naive one, and no order of summation can change a choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from profiler.selection.synthetic.greedy import advance, has_repeats, heapify, set_gains, transpose

_SCALE_BITS = 52  # a sum of weights is exact in int64 and in float64
_CHECKPOINTS = 32  # how often the bound is taken along a run

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cover:
    """The sets chosen, in order, and what they are worth.

    Attributes
    ----------
    chosen : int64 ``[picks]``
        Numbers of the sets, in the order chosen.
    gains : float64 ``[picks]``
        Weight each one added when it was chosen; their running sum is the coverage curve.
    covered : bool ``[elements]``
        Elements that the chosen sets hold.
    value : float
        Weight covered.
    upper_bound : float
        No choice within the budget covers more than this.
    cost : int
        Sum of the costs of the chosen sets.
    """

    chosen: NDArray[np.int64]
    gains: NDArray[np.float64]
    covered: NDArray[np.bool_]
    value: float
    upper_bound: float
    cost: int

    @property
    def gap(self) -> float:
        """Share of the upper bound that may still be missing; 0 means proved optimal."""
        return 1.0 - self.value / self.upper_bound if self.upper_bound > 0 else 0.0

    @property
    def curve(self) -> NDArray[np.float64]:
        """Weight covered after each pick, float64 ``[picks]``."""
        return np.cumsum(self.gains)


def max_cover(
    indptr: ArrayLike,
    elements: ArrayLike,
    weights: ArrayLike,
    *,
    budget: int,
    costs: ArrayLike | None = None,
) -> Cover:
    """Choose sets that cover as much weight as the budget allows.

    Parameters
    ----------
    indptr, elements
        The sets as CSR: set ``s`` holds ``elements[indptr[s]:indptr[s + 1]]``, each element once.
    weights
        Weight of each element, finite and not negative, ``[elements]``.
    budget
        Most that the chosen sets may cost in all: without `costs`, how many there may be.
    costs
        Cost of each set, whole numbers of at least 1 (tokens, say), ``[sets]``; None: 1 each.

    Returns
    -------
    Cover
        Equal gains (per cost) go to the lower set number. Sets that add nothing are not taken.

    Raises
    ------
    ValueError
        If the sets, weights, costs or the budget are not as described.
    """
    pointers = np.ascontiguousarray(indptr, dtype=np.int64)
    members = np.ascontiguousarray(elements, dtype=np.int64)
    worth = np.ascontiguousarray(weights, dtype=np.float64)
    price = _checked_costs(costs, len(pointers) - 1)
    _check(pointers, members, worth, budget)
    total = float(worth.sum())
    # A power of two keeps whole weights whole: what ties on paper ties here.
    # It is applied as an exponent, because as a number it would overflow where weights are tiny.
    bits = _SCALE_BITS - math.frexp(total)[1]
    fixed = np.floor(np.ldexp(worth, bits)).astype(np.int64)
    gains = set_gains(pointers, members, fixed)
    run = _Run(pointers, members, fixed, gains, price, budget)
    single = _best_single(gains, price, budget)
    bound = run.finish()
    chosen = np.asarray(run.chosen[: run.picks], dtype=np.int64)
    if single >= 0 and gains[single] > run.value:
        chosen = np.array([single], dtype=np.int64)
    return _result(chosen, pointers, members, worth, price, math.ldexp(bound, -bits))


class _Run:
    """State of one greedy run; `finish` runs it and returns the least upper bound seen."""

    def __init__(
        self,
        pointers: Ints,
        members: Ints,
        fixed: Ints,
        gains: Ints,
        price: Ints,
        budget: int,
    ) -> None:
        self.sets = (pointers, members, *transpose(pointers, members, len(fixed)))
        self.fixed, self.price, self.budget = fixed, price, budget
        self.gains = gains.copy()
        self.covered = np.zeros(len(fixed), dtype=np.bool_)
        self.chosen = np.zeros(min(len(price), max(budget, 0)), dtype=np.int64)
        self.picks, self.value = 0, 0

    def finish(self) -> float:
        """Run to the end; return the upper bound in fixed point units."""
        keys = self.gains / self.price
        heap = heapify(keys)
        limit = len(self.chosen)
        state = np.array([len(heap), 0, 0, 0], dtype=np.int64)
        bound = float(self.fixed.sum())
        step = max(1, limit // _CHECKPOINTS)
        while True:
            residual = _fractional_knapsack(self.gains, self.price, self.budget)
            bound = min(bound, self.value + residual)
            if state[0] == 0 or self.picks >= limit:
                return bound
            advance(
                *self.sets,
                self.fixed,
                self.gains,
                self.price,
                self.covered,
                keys,
                heap,
                self.chosen,
                state,
                min(limit, self.picks + step),
                self.budget,
            )
            self.picks, self.value = int(state[1]), int(state[2])


def _fractional_knapsack(gains: Ints, price: Ints, budget: int) -> float:
    """Most that the present gains could add within the whole budget, sets taken in parts.

    Whatever the best choice is, by submodularity it adds no more than its gains here.
    """
    if len(gains) == 0 or budget <= 0:
        return 0.0
    if price.max() == 1:
        top = np.partition(gains, len(gains) - budget)[-budget:] if budget < len(gains) else gains
        return float(top.sum())
    allowed = price <= budget  # a dearer set can be in no choice
    gains, price = gains[allowed], price[allowed]
    order = np.argsort(-(gains / price), kind="stable")
    before = np.cumsum(price[order]) - price[order]
    room = np.clip((budget - before) / price[order], 0.0, 1.0)
    return float((gains[order] * room).sum())


def _best_single(gains: Ints, price: Ints, budget: int) -> int:
    """Number of the set of greatest weight that the budget allows, -1 if there is none."""
    fits = np.flatnonzero((price <= budget) & (gains > 0))
    return int(fits[np.argmax(gains[fits])]) if len(fits) else -1


def _result(
    chosen: Ints,
    pointers: Ints,
    members: Ints,
    worth: Floats,
    price: Ints,
    bound: float,
) -> Cover:
    """Replay the choice on the weights as given."""
    covered = np.zeros(len(worth), dtype=np.bool_)
    gains = np.zeros(len(chosen))
    for pick, row in enumerate(chosen):
        held = members[pointers[row] : pointers[row + 1]]
        gains[pick] = worth[held[~covered[held]]].sum()
        covered[held] = True
    value = float(gains.sum())
    spent = int(price[chosen].sum())
    return Cover(chosen, gains, covered, value, max(value, bound), spent)


def _checked_costs(costs: ArrayLike | None, n_sets: int) -> Ints:
    if costs is None:
        return np.ones(n_sets, dtype=np.int64)
    given = np.asarray(costs)
    price = given.astype(np.int64)
    if price.shape != (n_sets,) or not np.array_equal(price, given) or (price < 1).any():
        raise ValueError("costs must be one whole number of at least 1 for each set")
    return price


def _check(
    pointers: Ints,
    members: Ints,
    worth: Floats,
    budget: int,
) -> None:
    if budget < 0:
        raise ValueError(f"the budget must not be negative, got {budget}")
    if len(pointers) < 1 or pointers[0] != 0 or pointers[-1] != len(members):
        raise ValueError("indptr must start at 0 and end at the number of elements listed")
    if (np.diff(pointers) < 0).any():
        raise ValueError("indptr must not fall")
    if not np.isfinite(worth).all() or (worth < 0).any():
        raise ValueError("weights must be finite and not negative")
    if len(members) and (members.min() < 0 or members.max() >= len(worth)):
        raise ValueError("an element number is outside the weights")
    if has_repeats(pointers, members, len(worth)):
        raise ValueError("a set lists an element twice")
