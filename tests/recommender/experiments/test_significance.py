"""Intervals, tests and verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from recommender.experiments import significance


def test_holm_by_hand() -> None:
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert significance.holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert significance.holm([]) == []


def test_one_seed_gives_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    base, mine = rng.normal(size=(1, 80)), rng.normal(0.3, size=(1, 80))
    found = significance.compare_values({"a": {"m": base}, "b": {"m": mine}}, "a")[0]
    expected = stats.ttest_rel(mine[0], base[0])
    assert found.p == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval(0.95)
    assert found.difference - found.margin == pytest.approx(low)
    assert found.difference + found.margin == pytest.approx(high)


def test_one_user_gives_the_t_test_over_seeds() -> None:
    gaps = np.array([[0.1], [0.3], [0.2]])
    error, freedom = significance.spread(gaps)
    assert error == pytest.approx(float(gaps.std(ddof=1)) / 3**0.5)
    assert freedom == pytest.approx(2)


def test_a_gain_inside_the_interval_is_not_called_one() -> None:
    """Users agree that b is better, but the seeds do not."""
    rng = np.random.default_rng(1)
    base = rng.normal(0, 0.01, size=(3, 500))
    mine = base + np.array([[0.5], [-0.3], [0.1]])
    found = significance.compare_values({"a": {"m": base}, "b": {"m": mine}}, "a")[0]
    assert found.verdict == "within the interval"
    alike = base + np.array([[0.5], [0.52], [0.49]])
    assert (
        significance.compare_values({"a": {"m": base}, "b": {"m": alike}}, "a")[0].verdict
        == "better"
    )
    worse = significance.compare_values({"a": {"m": alike}, "b": {"m": base}}, "a")[0]
    assert worse.verdict == "worse"


def test_intervals_hold_what_they_promise() -> None:
    """Of 300 means of nothing, at most a tenth lie outside their interval; fewer is allowed."""
    rng = np.random.default_rng(2)
    outside = 0
    for _ in range(300):
        users, seeds = rng.normal(size=(1, 60)) * 0.3, rng.normal(size=(4, 1)) * 0.05
        gap = users + seeds + rng.normal(size=(4, 60)) * 0.2
        mean = significance.mean_of(gap)
        outside += abs(mean.mean) > mean.margin
    assert outside <= 30


def test_many_null_comparisons_yield_no_gain() -> None:
    rng = np.random.default_rng(3)
    base = {f"m{i}": rng.normal(size=(3, 100)) for i in range(5)}
    models = {
        "base": base,
        **{f"x{j}": {m: v + rng.normal(size=v.shape) for m, v in base.items()} for j in range(4)},
    }
    assert {d.verdict for d in significance.compare_values(models, "base")} == {
        "within the interval"
    }


def test_of_one_user_and_one_seed_nothing_is_called_a_gain() -> None:
    one = {"a": {"m": np.array([[0.1]])}, "b": {"m": np.array([[0.9]])}}
    found = significance.compare_values(one, "a")[0]
    assert (found.p, found.verdict) == (1.0, "within the interval")


def test_identical_models_differ_by_nothing() -> None:
    values = {"m": np.ones((2, 10))}
    found = significance.compare_values({"a": values, "b": values}, "a")[0]
    assert (found.difference, found.p, found.verdict) == (0.0, 1.0, "within the interval")
