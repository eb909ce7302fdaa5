"""Whether a difference between two models is one: intervals, paired tests, Holm's correction.

For a metric and a pair of models, the per-user differences are averaged over seeds, the per-seed
differences over users; the standard error of the mean difference counts both spreads (users and
seeds are crossed random effects; the sum is slightly conservative):

    se² = var over users / users + var over seeds / seeds

The interval and the paired t-test use it with Satterthwaite's degrees of freedom; p values are
corrected by Holm over all comparisons of the table. A gain is called one only where the corrected
p is below .05 and the 95 % interval leaves zero out. With one user and one seed no spread is known,
and nothing is called a gain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.05
Verdict = Literal["better", "worse", "within the interval"]
Values = dict[str, "NDArray[np.float64]"]
"""Metric → values ``[seeds, users]``."""


@dataclass(frozen=True)
class Mean:
    """A mean and half the width of its 95 % interval, over users and seeds."""

    mean: float
    margin: float


@dataclass(frozen=True)
class Difference:
    """One model against the baseline, on one metric.

    Attributes
    ----------
    difference, margin
        Mean of model minus baseline, and half the width of its 95 % interval.
    relative
        Difference over the baseline's mean.
    p, p_holm
        Of the paired t-test, plain and corrected.
    """

    model: str
    baseline: str
    metric: str
    difference: float
    margin: float
    relative: float
    p: float
    p_holm: float
    verdict: Verdict


def spread(values: NDArray[np.float64]) -> tuple[float, float]:
    """Standard error of the mean of ``[seeds, users]`` values, and its degrees of freedom.

    With one seed the spread between seeds is unknown and left out.
    """
    seeds, users = values.shape
    parts = []
    if users > 1:
        parts.append((float(values.mean(0).var(ddof=1)) / users, users - 1))
    if seeds > 1:
        parts.append((float(values.mean(1).var(ddof=1)) / seeds, seeds - 1))
    total = sum(part for part, _ in parts)
    if total <= 0:
        return 0.0, math.inf
    freedom = total**2 / sum(part**2 / df for part, df in parts)
    return math.sqrt(total), freedom


def mean_of(values: NDArray[np.float64]) -> Mean:
    """Mean of ``[seeds, users]`` values with its 95 % margin."""
    from scipy import stats

    error, freedom = spread(values)
    return Mean(float(values.mean()), float(stats.t.ppf(1 - LEVEL / 2, freedom)) * error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction of p values, in their order."""
    order = np.argsort(p_values, kind="stable")
    corrected, running = [0.0] * len(p_values), 0.0
    for step, place in enumerate(order.tolist()):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[place]))
        corrected[place] = running
    return corrected


def compare_values(results: dict[str, Values], baseline: str) -> list[Difference]:
    """Every model against the baseline on every metric, Holm-corrected together."""
    from scipy import stats

    rows: list[tuple[str, str, float, float, float, float]] = []
    for model, values in results.items():
        if model == baseline:
            continue
        for metric, mine in values.items():
            base = results[baseline][metric]
            gap = mine - base
            error, freedom = spread(gap)
            mean = float(gap.mean())
            p = 1.0 if mean == 0 or gap.size == 1 else 0.0
            if error > 0:
                p = float(2 * stats.t.sf(abs(mean) / error, freedom))
            margin = float(stats.t.ppf(1 - LEVEL / 2, freedom)) * error
            rows.append((model, metric, mean, margin, float(base.mean()), p))
    corrected = holm([row[5] for row in rows])
    differences = []
    for (model, metric, mean, margin, base_mean, p), p_holm in zip(rows, corrected, strict=True):
        sure = p_holm < LEVEL and abs(mean) > margin
        verdict: Verdict = "within the interval"
        if sure:
            verdict = "better" if mean > 0 else "worse"
        relative = mean / base_mean if base_mean else math.nan
        differences.append(
            Difference(model, baseline, metric, mean, margin, relative, p, p_holm, verdict)
        )
    return differences
