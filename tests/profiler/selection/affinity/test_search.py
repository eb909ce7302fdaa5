import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.selection.affinity.search import (
    Trial,
    search_preference,
    sweep,
    thin,
    tolerance,
)

PAPER_GRID = (None, -2.0, -3.0, -4.0, -5.0, -7.0, -10.0)
"""The preferences that the EIMF paper tries (None: the median similarity)."""


def falling(scale, power, most):
    return lambda preference: int(np.clip(scale * (-preference) ** -power, 1, most))


@settings(deadline=None)
@given(st.floats(5, 5000), st.floats(0.5, 3), st.integers(1, 900), st.floats(-50, -0.1))
def test_a_smooth_count_is_met_in_few_runs(scale, power, target, start):
    trials = search_preference(falling(scale, power, 1000), target, start)
    assert len(trials) <= 12
    assert abs(trials[-1].exemplars - target) <= max(tolerance(target), 0.15 * target)


def test_a_count_that_jumps_ends_at_the_nearest():
    trials = search_preference(lambda p: 100 if p > -3.7 else 10, 40, -1.0)
    assert trials[-1].exemplars == 10
    assert {trial.exemplars for trial in trials} == {10, 100}
    assert len(trials) <= 12


def test_a_count_that_never_falls_is_given_up_early():
    trials = search_preference(lambda p: 500, 10, -1.0)
    assert len(trials) == 3


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 200))
def test_noise_cannot_trap_the_search(seed, target):
    random = np.random.default_rng(seed)
    smooth = falling(100, 1, 200)
    trials = search_preference(
        lambda p: max(1, smooth(p) + int(random.integers(-9, 10))), target, -1
    )
    assert 1 <= len(trials) <= 12
    gaps = [abs(trial.exemplars - target) for trial in trials]
    assert gaps[-1] == min(gaps)


def test_the_first_good_enough_run_ends_the_search():
    assert search_preference(lambda p: 103, 100, -1.0) == [Trial(-1.0, 103)]


@pytest.mark.parametrize(("target", "start"), [(0, -1.0), (5, 0.0)])
def test_arguments_are_checked(target, start):
    with pytest.raises(ValueError, match="target"):
        search_preference(lambda p: 1, target, start)


def test_the_grid_of_the_paper_with_the_median_for_none():
    trials = sweep(falling(100, 1, 1000), PAPER_GRID, -0.5)
    assert [trial.preference for trial in trials] == [-0.5, -2, -3, -4, -5, -7, -10]
    assert trials[0].exemplars == 200


def test_thinning_leaves_out_the_least_missed():
    vectors = np.array([[0.0], [0.1], [5.0], [9.0]], dtype=np.float32)
    everyone = np.arange(4)
    assert thin(vectors, everyone, 3).tolist() == [1, 2, 3] or thin(
        vectors, everyone, 3
    ).tolist() == [0, 2, 3]
    assert thin(vectors, everyone, 3, np.array([9, 1, 1, 1], np.float32)).tolist() == [0, 2, 3]
    assert len(thin(vectors, everyone, 1)) == 1


def test_thinning_equals_a_plain_greedy_reading(planted):
    vectors = planted(120, 8)
    exemplars = np.arange(0, 120, 6)
    distance = ((vectors[:, None].astype(np.float64) - vectors) ** 2).sum(-1)
    kept = exemplars.tolist()
    while len(kept) > 8:
        losses = [distance[:, [k for k in kept if k != gone]].min(axis=1).sum() for gone in kept]
        kept.pop(int(np.argmin(losses)))
    assert thin(vectors, exemplars, 8).tolist() == kept
