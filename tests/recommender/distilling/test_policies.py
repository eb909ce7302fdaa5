"""Policies against the linear program, which knows nothing of closed forms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recommender.distilling.gains import Gains, GainSettings
from recommender.distilling.policies import DRAWN, draw, equaliser, linear_program, paper, rad_bc
from store.errors import UserError


@st.composite
def small_gains(draw_one):
    """Gains of 1 to 9 cases, with numbers of answers that are worth asking for."""
    n = draw_one(st.integers(1, 9))
    incorrect = draw_one(st.integers(0, n - 1))
    similar = draw_one(st.integers(0, n - incorrect))
    effective = n - similar - incorrect
    a, b = draw_one(st.floats(0.1, 1.0)), draw_one(st.floats(0.0, 1.0))
    falls = draw_one(st.lists(st.floats(0.0, 1.2), min_size=n, max_size=n))
    how = {"effective": 9, "similar_gain": a, "incorrect_loss": b}
    gains = Gains(
        -np.cumsum([0.0, *falls[1:]]), GainSettings(**how), (effective, similar, incorrect)
    )
    return gains if gains.worths.sum() > 1e-3 else Gains(gains.logs, gains.settings, (n, 0, 0))


@settings(max_examples=60, deadline=None)
@given(small_gains())
def test_the_equaliser_is_the_optimum_of_the_linear_program(gains):
    best = gains.worst(linear_program(gains))
    assert gains.worst(equaliser(gains)) == pytest.approx(best, rel=1e-6, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(small_gains())
def test_no_other_policy_does_better_than_the_optimum(gains):
    best = gains.worst(equaliser(gains)) + 1e-9
    for policy in DRAWN.values():
        shares = policy(gains)
        assert shares.sum() == pytest.approx(1.0)
        assert (shares >= 0).all()
        assert gains.worst(shares) <= best


@settings(max_examples=40, deadline=None)
@given(small_gains(), st.randoms())
def test_the_adversary_is_the_worst_of_all_dealings(gains, random):
    few = Gains(gains.logs[:5], gains.settings, GainSettings().counts(len(gains.logs[:5])))
    shares = np.array([random.random() + 0.01 for _ in few.logs])
    stakes = shares / shares.sum() * np.exp(few.logs)
    dealt = min(float(stakes @ np.array(one)) for one in itertools.permutations(few.worths))
    assert few.worst(shares / shares.sum()) == pytest.approx(dealt)


def test_the_published_closed_form_attains_its_bound_and_is_not_the_optimum():
    # N = 20, gains i^-0.5, answers 2 : 10 : 8. The paper calls its p the best one.
    gains = Gains.by_rank(20, GainSettings(mu=0.5, effective=2, similar=10, incorrect=8))
    assert gains.counts == (2, 10, 8)
    published = paper(gains)
    d = np.where(np.arange(20) < 18, 1.0, 1.5) * np.exp(gains.logs)
    k = int((published > 0).sum())
    ratio = np.where(np.arange(20) < 18, 0.5, 1 / 1.5)
    gamma = (12 - 20 + ratio[:k].sum()) / (1 / d[:k]).sum()
    assert gains.worst(published) == pytest.approx(gamma)
    assert gamma == pytest.approx(0.03973, abs=1e-5)
    assert gains.worst(linear_program(gains)) == pytest.approx(0.04865, abs=1e-5)
    assert gains.worst(np.full(20, 0.05)) == pytest.approx(-0.0174, abs=1e-4)


def test_gains_that_no_float_holds_still_give_probabilities():
    # With mu 10 the last of 7,393 gains is 1e-39: a quotient of such numbers was 0/0.
    gains = Gains.by_rank(7_393, GainSettings())
    for policy in (paper, equaliser, rad_bc):
        shares = policy(gains)
        assert np.isfinite(shares).all()
        assert shares.sum() == pytest.approx(1.0)
    # What the paper's mu amounts to: fairly easy cases, without the very easiest.
    k = int((paper(gains) > 0).sum())
    assert 0.9 < k / 7_393 < 0.97
    assert paper(gains)[: int(0.8 * k)].sum() < 0.1


@pytest.mark.parametrize("policy", ["paper", "equaliser", "lp", "rad-bc", "random"])
def test_cases_are_drawn_once_each_and_repeatably(policy):
    difficulty = np.random.default_rng(0).normal(size=12)
    how = GainSettings(mu=0.5)
    drawn = draw(difficulty, 12, policy, how, 5)
    assert sorted(drawn) == list(range(12))
    assert draw(difficulty, 4, policy, how, 5).tolist() == drawn[:4].tolist()
    assert draw(difficulty, 12, policy, how, 6).tolist() != drawn.tolist()
    assert len(draw(difficulty, 99, policy, how, 5)) == 12


def test_the_hardest_and_the_easiest():
    difficulty = np.array([-0.5, -0.1, -0.9, -0.5])
    assert draw(difficulty, 3, "hardest", GainSettings(), 0).tolist() == [1, 0, 3]
    assert draw(difficulty, 2, "easiest", GainSettings(), 0).tolist() == [2, 3]


def test_a_harder_case_is_rarer_where_gains_fall_steeply():
    first = [
        draw(np.arange(20.0), 1, "equaliser", GainSettings(mu=2), seed)[0] for seed in range(80)
    ]
    assert np.mean(first) < 8  # place 19 is the hardest


def test_a_linear_program_that_cannot_be_told_apart_is_refused():
    with pytest.raises(UserError, match="take equaliser"):
        draw(np.zeros(200), 1, "lp", GainSettings(mu=10), 0)
    with pytest.raises(UserError, match="300 cases and fewer"):
        draw(np.zeros(301), 1, "lp", GainSettings(mu=0.5), 0)


def test_answers_that_only_mislead_are_refused():
    with pytest.raises(ValidationError, match="mislead more than they help"):
        GainSettings(effective=0, similar=1, incorrect=9)
    assert GainSettings().counts(7) == (0, 4, 3)
    assert sum(GainSettings().counts(10)) == 10
