"""Contextual bandits over hints: LinUCB (Li et al., WWW'10) and linear Thompson sampling.

A choice's gain is taken to be linear in the features. A case is drawn, a choice is made, and its
stored gain is seen; those of the other choices are not looked at. No hint gains nothing, always.

While it learns, a choice is made by what it may gain at best; once it has learned, by what it gains
for all but certain. With twenty hints and few cases the largest estimate is mostly the luckiest, so
a hint is given only where its estimate lies a standard error above zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Bandit = Literal["linucb", "thompson"]
RIDGE = 1.0
"""Weight of the prior that a hint gains nothing."""
OPTIMISM = 0.3
"""LinUCB: how many standard errors are added to an estimate; Thompson: the spread of its draws."""
CAUTION = 1.0
"""Standard errors by which an estimate must lie above zero."""
PASSES = 20
"""How often each case is drawn."""


def learn(
    features: NDArray[np.float64],
    gains: NDArray[np.float64],
    *,
    bandit: Bandit = "linucb",
    passes: int = PASSES,
    optimism: float = OPTIMISM,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of each choice and their covariances; those of no hint are zero.

    Parameters
    ----------
    features
        ``[cases, features]``.
    gains
        ``[cases, choices]``; NaN cannot be chosen.
    bandit
        How a choice is made while learning.
    passes
        How often each case is drawn, in an order of its own each time.
    optimism
        How much is explored.
    seed
        Of orders and draws.

    Returns
    -------
    weights, covariances
        ``[choices, features]`` and ``[choices, features, features]``.
    """
    n, choices = gains.shape
    width = features.shape[1]
    rng = np.random.default_rng(seed)
    inverse = np.repeat(np.eye(width)[None] / RIDGE, choices, axis=0)
    moments, weights = np.zeros((choices, width)), np.zeros((choices, width))
    seen: set[tuple[int, int]] = set()
    for row in np.concatenate([rng.permutation(n) for _ in range(passes)]).tolist():
        x = features[row]
        spread = np.sqrt(np.einsum("i,cij,j->c", x, inverse, x))
        spread[0] = 0.0
        noise = rng.standard_normal(choices) if bandit == "thompson" else 1.0
        value = weights @ x + optimism * spread * noise
        value[np.isnan(gains[row])] = -np.inf
        choice = int(np.argmax(value))
        if choice == 0 or (row, choice) in seen:  # the same look-up again teaches nothing
            continue
        seen.add((row, choice))
        step = inverse[choice] @ x
        inverse[choice] -= np.outer(step, step) / (1 + x @ step)
        moments[choice] += gains[row, choice] * x
        weights[choice] = inverse[choice] @ moments[choice]
    pulls = np.array(sorted(seen), dtype=np.int64).reshape(-1, 2)
    told = (features[pulls[:, 0]] * weights[pulls[:, 1]]).sum(1)
    wrong = gains[pulls[:, 0], pulls[:, 1]] - told
    covariances = inverse * (float(np.mean(wrong**2)) if len(wrong) else 0.0)
    covariances[0] = 0.0
    return weights, covariances


def choose(
    weights: NDArray[np.float64],
    covariances: NDArray[np.float64],
    features: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The choice that gains most for all but certain, for each row; 0, no hint, gains nothing."""
    spread = np.sqrt(np.einsum("ni,cij,nj->nc", features, covariances, features))
    sure: NDArray[np.float64] = features @ weights.T - CAUTION * spread
    return np.asarray(sure.argmax(axis=1), dtype=np.int64)
