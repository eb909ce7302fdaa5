"""The cover against naive greedy, against exact optima, and at its edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, hstack, vstack

from profiler.selection.synthetic.cover import max_cover

Sets = list[list[int]]


def csr(sets: Sets) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0, *(len(s) for s in sets)])
    return indptr, np.array([e for s in sets for e in s], dtype=np.int64)


def random_case(rng: np.random.Generator, n_sets: int, n_elements: int) -> tuple[Sets, np.ndarray]:
    sizes = rng.integers(0, min(12, n_elements) + 1, n_sets)
    sets = [sorted(rng.choice(n_elements, s, replace=False).tolist()) for s in sizes]
    return sets, rng.integers(0, 6, n_elements)


def naive(sets: Sets, weights: np.ndarray, budget: int, costs: list[int]) -> list[int]:
    """Greedy as on paper: whole numbers, every gain anew in every round."""
    chosen: list[int] = []
    covered: set[int] = set()
    left = budget
    while True:
        gains = [sum(int(weights[e]) for e in set(s) - covered) for s in sets]
        fits = [
            (-gain / cost, row)
            for row, (gain, cost) in enumerate(zip(gains, costs, strict=True))
            if gain > 0 and cost <= left and row not in chosen
        ]
        if not fits:
            break
        row = min(fits)[1]
        chosen.append(row)
        covered |= set(sets[row])
        left -= costs[row]
    whole = [sum(int(weights[e]) for e in s) for s in sets]
    alone = [row for row in range(len(sets)) if costs[row] <= budget and whole[row] > 0]
    if alone:
        best = max(alone, key=lambda row: (whole[row], -row))
        if whole[best] > sum(int(weights[e]) for e in covered):
            return [best]
    return chosen


def optimum(sets: Sets, weights: np.ndarray, budget: int, costs: list[int]) -> float:
    """The exact optimum by mixed-integer programming (HiGHS)."""
    n, m = len(sets), len(weights)
    rows = [e for s in sets for e in s]
    cols = [row for row, s in enumerate(sets) for _ in s]
    holds = coo_array((np.ones(len(rows)), (rows, cols)), shape=(m, n))
    identity = coo_array((np.ones(m), (np.arange(m), np.arange(m))), shape=(m, m))
    links = hstack([-holds, identity])  # y_e <= sum of x over the sets that hold e
    price = csr_array(np.concatenate([costs, np.zeros(m)])[None, :])
    limits = LinearConstraint(
        vstack([links, price]).tocsr(), -np.inf, np.concatenate([np.zeros(m), [budget]])
    )
    aim = -np.concatenate([np.zeros(n), weights.astype(float)])
    found = milp(aim, constraints=limits, integrality=np.ones(n + m), bounds=Bounds(0, 1))
    assert found.status == 0
    return float(-found.fun)


@pytest.mark.parametrize("with_costs", [False, True])
def test_equals_naive_greedy_on_500_random_cases(with_costs: bool) -> None:
    rng = np.random.default_rng(7)
    for _ in range(500):
        sets, weights = random_case(rng, int(rng.integers(1, 30)), int(rng.integers(1, 40)))
        costs = rng.integers(1, 9, len(sets)).tolist() if with_costs else [1] * len(sets)
        budget = int(rng.integers(0, 25 if with_costs else 12))
        cover = max_cover(*csr(sets), weights, budget=budget, costs=costs if with_costs else None)
        assert cover.chosen.tolist() == naive(sets, weights, budget, costs)


@pytest.mark.parametrize("with_costs", [False, True])
def test_certified_by_exact_optima(with_costs: bool) -> None:
    rng = np.random.default_rng(11)
    for _ in range(100):
        sets, weights = random_case(rng, int(rng.integers(10, 60)), int(rng.integers(20, 80)))
        costs = rng.integers(1, 9, len(sets)).tolist() if with_costs else [1] * len(sets)
        budget = int(rng.integers(10, 40)) if with_costs else int(rng.integers(1, 12))
        cover = max_cover(*csr(sets), weights, budget=budget, costs=costs)
        best = optimum(sets, weights, budget, costs)
        assert cover.value >= 0.9 * best
        assert cover.value >= (1 - 1 / np.e) * best
        assert cover.value <= best + 1e-6 <= cover.upper_bound + 2e-6
        assert cover.cost <= budget


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_gains_fall_and_add_up_to_what_is_covered(data: st.DataObject) -> None:
    n_elements = data.draw(st.integers(1, 30))
    element = st.integers(0, n_elements - 1)
    sets = data.draw(st.lists(st.lists(element, unique=True, max_size=10), max_size=25))
    weight = st.floats(0, 1e6, allow_subnormal=False)
    weights = np.array(data.draw(st.lists(weight, min_size=n_elements, max_size=n_elements)))
    budget = data.draw(st.integers(0, 30))
    cover = max_cover(*csr(sets), weights, budget=budget)
    held = {e for row in cover.chosen for e in sets[row]}
    assert len(cover.chosen) <= budget
    assert set(np.flatnonzero(cover.covered)) == held
    assert cover.value == pytest.approx(weights[sorted(held)].sum())
    slack = 1e-9 * max(1.0, weights.sum())
    assert (np.diff(cover.gains) <= slack).all()
    assert cover.value <= cover.upper_bound <= weights.sum() + slack
    assert 0 <= cover.gap <= 1
    if budget >= len(sets):
        assert cover.gap == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("power", [-1021, -600, 0, 900])
def test_the_size_of_the_weights_changes_no_choice(power: int) -> None:
    random = np.random.default_rng(2)
    sets = [random.choice(40, size=random.integers(1, 9), replace=False) for _ in range(30)]
    weights = random.integers(1, 100, 40).astype(np.float64)
    plain = max_cover(*csr(sets), weights, budget=6)
    scaled = max_cover(*csr(sets), np.ldexp(weights, power), budget=6)
    assert len(plain.chosen) == 6
    assert list(scaled.chosen) == list(plain.chosen)
    assert scaled.upper_bound == pytest.approx(np.ldexp(plain.upper_bound, power), rel=1e-12)


def test_permuting_sets_and_elements_changes_no_choice() -> None:
    rng = np.random.default_rng(3)
    sets, _ = random_case(rng, 200, 300)
    weights = rng.random(300)  # no ties
    first = max_cover(*csr(sets), weights, budget=20)
    rows, names = rng.permutation(200), rng.permutation(300)
    moved = [[int(names[e]) for e in rng.permutation(sets[row]).astype(int)] for row in rows]
    second = max_cover(*csr(moved), weights[np.argsort(names)], budget=20)
    assert rows[second.chosen].tolist() == first.chosen.tolist()
    assert second.upper_bound == pytest.approx(first.upper_bound)


def test_best_single_set_beats_greedy_by_gain_per_cost() -> None:
    cover = max_cover([0, 1, 11], range(11), [2, *[1] * 10], budget=10, costs=[1, 10])
    assert cover.chosen.tolist() == [1]
    assert cover.value == 10
    assert cover.upper_bound == pytest.approx(11)


def test_a_set_dearer_than_the_budget_takes_no_room_in_the_bound() -> None:
    cover = max_cover([0, 1, 2], [0, 1], [100, 1], budget=2, costs=[3, 2])
    assert cover.chosen.tolist() == [1]
    assert cover.upper_bound == pytest.approx(1)


@pytest.mark.parametrize(
    ("sets", "budget"), [([], 3), ([[], []], 3), ([[0], [1]], 0), ([[2], [2]], 2)]
)
def test_nothing_to_choose_is_an_empty_cover(sets: Sets, budget: int) -> None:
    cover = max_cover(*csr(sets), [1.0, 2.0, 0.0], budget=budget)
    assert cover.chosen.tolist() == []
    assert (cover.value, cover.gap, cover.cost) == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0, np.nan]}, "finite"),
        ({"weights": [1.0, -1.0]}, "not negative"),
        ({"elements": [0, 2]}, "outside"),
        ({"elements": [1, 1], "indptr": [0, 2, 2]}, "twice"),
        ({"budget": -1}, "budget"),
        ({"costs": [1, 0]}, "at least 1"),
        ({"costs": [1.5, 1]}, "whole number"),
        ({"indptr": [0, 1, 3]}, "indptr"),
        ({"indptr": [0, 3, 2]}, "fall"),
    ],
)
def test_wrong_input_is_named(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {
        "indptr": [0, 1, 2],
        "elements": [0, 1],
        "weights": [1.0, 1.0],
        "budget": 1,
    }
    with pytest.raises(ValueError, match=message):
        max_cover(**{**given, **change})  # type: ignore[arg-type]
