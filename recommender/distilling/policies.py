"""Which cases a language model is asked about: the policies of ALKDRec, and what controls them.

The problem is ``max over p, min over answers, of the sum of p_s times what the answer to s is
worth``, where only the numbers of effective, similar and incorrect answers are known. ``lp``
solves it as a linear program. ``equaliser`` is its solution in closed form. Let ``x_s = p_s g_s``.
Whatever p is, the adversary gives the worst answers to the largest x, so the value depends only on
the x in order of size. The largest x then belong to the largest gains, where they cost the least
probability; on such x the value is linear, so its maximum lies at an extreme one, where x is
constant on the first k cases and 0 on the others. ``paper`` is the published closed form (AAAI'25,
theorems 1 to 3). It attains its own bound, but another p does better, by 7 to 19 % in small cases.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from recommender.choices import Policy
from recommender.distilling.gains import Floats, Gains, GainSettings
from store.errors import UserError

WIDEST_LP = 14.0
"""Most that logarithms of gains may span in a linear program: a factor of a million."""
MOST_LP = 300
"""Most cases of a linear program: it is solved anew for every case that is drawn."""


def draw(
    difficulty: Floats, n: int, policy: Policy, settings: GainSettings, seed: int
) -> NDArray[np.int64]:
    """Draw cases without replacement, one at a time; probabilities are computed anew each time.

    Parameters
    ----------
    difficulty
        float64 ``[m]`` of all cases.
    n
        How many are drawn; all of them where there are no more.
    policy
        ``hardest`` and ``easiest`` draw nothing at random.
    settings
        Gains, and proportions of answers.
    seed
        Of the random draws.

    Returns
    -------
    int64 ``[min(n, m)]``
        Places in ``difficulty``, in the order in which they were drawn.

    Raises
    ------
    UserError
        ``lp`` with more cases, or more widely spread gains, than a linear program can tell apart.
    """
    hardest = np.lexsort((np.arange(len(difficulty)), -difficulty)).astype(np.int64)
    n = min(n, len(hardest))
    if policy == "hardest":
        return hardest[:n]
    if policy == "easiest":
        return hardest[::-1][:n]
    random = np.random.default_rng(seed)
    if policy == "random":
        return random.permutation(hardest)[:n]
    if policy == "lp":
        _refuse_large(Gains.by_rank(len(hardest), settings))
    return _drawn(hardest, n, Gains.by_rank(len(hardest), settings), DRAWN[policy], random)


def _drawn(
    cases: NDArray[np.int64],
    n: int,
    gains: Gains,
    probabilities: Callable[[Gains], Floats],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    chosen = []
    for _ in range(n):
        reached = np.cumsum(probabilities(gains))
        place = int(np.searchsorted(reached, random.random() * reached[-1], side="right"))
        place = min(place, len(cases) - 1)
        chosen.append(int(cases[place]))
        cases, gains = np.delete(cases, place), gains.without(place)
    return np.array(chosen, dtype=np.int64)


def paper(gains: Gains) -> Floats:
    """Probabilities of the published closed form.

    Returns
    -------
    float64 ``[n]``
        ``1 / (H_k D_s)`` on the first k cases, for the k with the largest
        ``(k_effective + k_similar - n + G_k) / H_k``.
    """
    settings = gains.settings
    effective, similar, incorrect = gains.counts
    low = np.arange(len(gains.logs)) < similar + incorrect
    good = np.where(low, settings.similar_gain, 1.0)
    return _prefix(gains, good, settings.incorrect_loss, effective + similar)


def rad_bc(gains: Gains) -> Floats:
    """Probabilities of RAD-BC (Baykal et al. 2023): answers are right or wrong, nothing between."""
    effective, similar, _ = gains.counts
    good = np.ones(len(gains.logs))
    return _prefix(gains, good, gains.settings.incorrect_loss, effective + similar)


def _prefix(gains: Gains, good: Floats, loss: float, right: int) -> Floats:
    """``p_s = 1 / (H_k D_s)`` on the best prefix, with ``D_s = (good_s + loss) g_s``."""
    spread = good + loss
    inverse = -gains.logs - np.log(spread)
    log_h = np.logaddexp.accumulate(inverse)
    numerator = right - len(good) + np.cumsum(good / spread)
    best = _largest_quotient(numerator, log_h)
    return _shares(inverse, best)


def equaliser(gains: Gains) -> Floats:
    """Probabilities in inverse proportion to the gains of the first k cases; the optimum."""
    inverse = -gains.logs
    worth = np.cumsum(gains.worths)
    return _shares(inverse, _largest_quotient(worth, np.logaddexp.accumulate(inverse)))


def _largest_quotient(numerators: Floats, log_denominators: Floats) -> int:
    """Place of the largest quotient; some numerator is above 0."""
    values = np.full(len(numerators), -np.inf)
    above = numerators > 0
    values[above] = np.log(numerators[above]) - log_denominators[above]
    return int(np.argmax(values))


def _shares(logs: Floats, last: int) -> Floats:
    """Exponentials of the logarithms up to a place, as shares of their sum; 0 after it."""
    shares = np.zeros(len(logs))
    kept = np.exp(logs[: last + 1] - logs[: last + 1].max())
    shares[: last + 1] = kept / kept.sum()
    return shares


def linear_program(gains: Gains) -> Floats:
    """Probabilities of the linear program: the adversary's problem is replaced by its dual.

    The adversary deals each case one answer, of three kinds whose numbers are fixed: a transport
    problem with the dual ``max sum_s alpha_s + sum_l k_l beta_l``, where ``alpha_s + beta_l`` is at
    most ``p_s`` times what the answer l to s is worth.
    """
    n = len(gains.logs)
    gain = np.exp(gains.logs - gains.logs.max())
    settings = gains.settings
    worths = np.array([1.0, settings.similar_gain, -settings.incorrect_loss])
    # Variables: p [n], alpha [n], beta [3].
    objective = -np.concatenate([np.zeros(n), np.ones(n), np.array(gains.counts, dtype=float)])
    rows = []
    for kind, worth in enumerate(worths):
        beta = np.zeros((n, 3))
        beta[:, kind] = 1.0
        rows.append(np.hstack([np.diag(-worth * gain), np.eye(n), beta]))
    found = linprog(
        objective,
        A_ub=np.vstack(rows),
        b_ub=np.zeros(3 * n),
        A_eq=np.concatenate([np.ones(n), np.zeros(n + 3)])[None, :],
        b_eq=[1.0],
        bounds=[(0, None)] * n + [(None, None)] * (n + 3),
        method="highs",
    )
    if not found.success:
        raise UserError(f"the linear program has no solution ({found.message}); take equaliser")
    shares = np.clip(found.x[:n], 0.0, None)
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _refuse_large(gains: Gains) -> None:
    if len(gains.logs) > MOST_LP:
        raise UserError(
            f"policy lp is for {MOST_LP} cases and fewer, here are {len(gains.logs):,}; equaliser "
            "gives the same probabilities"
        )
    if float(gains.logs[0] - gains.logs[-1]) > WIDEST_LP:
        raise UserError(
            f"with mu {gains.settings.mu:g} the gains of {len(gains.logs)} cases span more than a "
            "linear program can tell apart; take equaliser, which gives the same probabilities, or "
            "a smaller mu"
        )


DRAWN: dict[Policy, Callable[[Gains], Floats]] = {
    "paper": paper,
    "equaliser": equaliser,
    "lp": linear_program,
    "rad-bc": rad_bc,
}
"""The policies that draw with probabilities of their own."""
