"""Synthetic users from start to end: what they hold, their invariances, degenerate input."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from profiler.selection.synthetic.choose import choose_synthetic_users
from profiler.selection.synthetic.result import SyntheticSettings, SyntheticUsers
from store.errors import DataError, UserError

SMALL = SyntheticSettings(min_titles=1, threshold=0.05)
Histories = dict[str, list[int]]


def csr(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0, *(len(row) for row in rows)])
    return indptr, np.array([item for row in rows for item in row], dtype=np.int64)


def crowd(seed: int = 0, users: int = 120, groups: int = 6) -> Histories:
    """Users of a few tastes, 20 items each taste, some noise."""
    rng = np.random.default_rng(seed)
    found = {}
    for user in range(users):
        own = rng.choice(20, int(rng.integers(3, 9)), replace=False) + 20 * (user % groups)
        noise = rng.integers(0, 20 * groups, 1)
        found[f"u{user:03}"] = sorted({*own.tolist(), *noise.tolist()})
    return found


def choose(histories: Histories, **options: object) -> SyntheticUsers:
    options = {"count": 10, "settings": SMALL} | options
    if "token_budget" in options:
        del options["count"]
    return choose_synthetic_users(*csr(list(histories.values())), 120, list(histories), **options)  # type: ignore[arg-type]


def named(chosen: SyntheticUsers, histories: Histories) -> list[tuple]:
    ids = list(histories)
    return [
        ([ids[m] for m in u.members], u.similarities.tolist(), u.items.tolist(), u.owners.tolist(),
         u.cohesion, u.gain)
        for u in chosen.users
    ]  # fmt: skip


def test_each_stands_for_what_its_members_own() -> None:
    histories = crowd()
    ids = list(histories)
    chosen = choose(histories)
    assert len(chosen.users) == 10
    covered_items: set[int] = set()
    covered_users: set[int] = set()
    for place, user in enumerate(chosen.users):
        owners = Counter(item for m in user.members for item in histories[ids[m]])
        assert dict(zip(user.items.tolist(), user.owners.tolist(), strict=True)) == dict(owners)
        assert (np.diff(user.owners) <= 0).all()
        assert len(user.members) >= 2
        assert (user.similarities >= SMALL.threshold).all()
        covered_items |= set(owners)
        covered_users |= set(user.members.tolist())
        assert chosen.items_covered[place] == len(covered_items)
        assert chosen.users_covered[place] == len(covered_users)
    n_items = len({item for history in histories.values() for item in history})
    share = len(covered_items) / n_items + 0.25 * len(covered_users) / len(histories)
    assert chosen.weight_covered[-1] == pytest.approx(share / 1.25)
    assert chosen.weight_covered[-1] <= chosen.upper_bound <= 1 + 1e-9
    assert (chosen.n_items, chosen.n_users) == (n_items, len(histories))
    assert (np.diff([u.gain for u in chosen.users]) <= 1e-12).all()


def test_members_of_one_taste_come_together() -> None:
    histories = crowd()
    for user in choose(histories, count=6).users:
        tastes = Counter(int(m) % 6 for m in user.members)
        assert tastes.most_common(1)[0][1] >= 0.8 * len(user.members)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_users_and_items_changes_nothing(seed: int) -> None:
    histories = crowd(seed) | {"twin": crowd(seed)["u003"]}
    rng = np.random.default_rng(seed)
    ids = rng.permutation(list(histories)).tolist()
    moved = {one: rng.permutation(histories[one]).astype(int).tolist() for one in ids}
    moved[ids[0]] = moved[ids[0]] * 2  # an interaction told twice is one item
    for options in ({}, {"token_budget": 3_000}):
        first, second = choose(histories, **options), choose(moved, **options)
        assert named(first, histories) == named(second, moved)
        assert (first.upper_bound, first.gap) == (second.upper_bound, second.gap)


def test_a_union_over_the_limit_keeps_the_items_of_most_owners() -> None:
    histories = {"a": [0, 1, 2, 3, 4, 5], "b": [0, 1, 2, 6, 7, 8], "c": [0, 1, 6, 9, 10, 11]}
    settings = replace(SMALL, max_titles=4, pair_weight="one")
    chosen = choose(histories, settings=settings)
    assert chosen.users[0].members.tolist() == [0, 1, 2]
    assert chosen.users[0].items.tolist() == [0, 1, 2, 6]
    assert chosen.users[0].owners.tolist() == [3, 3, 2, 2]


def test_a_prompt_of_few_titles_asks_for_no_more() -> None:
    chosen = choose(crowd(), settings=SyntheticSettings(max_titles=3))
    assert {len(u.items) for u in chosen.users} == {3}


def test_a_token_budget_is_kept() -> None:
    histories = crowd()
    tokens = np.arange(120) % 7 + 1
    chosen = choose(histories, token_budget=2_000, title_tokens=tokens)
    assert [u.cost for u in chosen.users] == [400 + tokens[u.items].sum() for u in chosen.users]
    assert 0 < sum(u.cost for u in chosen.users) <= 2_000
    flat = choose(histories, token_budget=2_000)
    assert [u.cost for u in flat.users] == [400 + 15 * len(u.items) for u in flat.users]


def test_twins_count_as_one_neighbour_and_are_all_members() -> None:
    twins = {f"t{n:02}": [0, 1, 2, 3] for n in range(50)}
    chosen = choose(twins | {"like": [0, 1, 2, 4]})
    assert len(chosen.users) == 1
    assert len(chosen.users[0].members) == 51
    assert chosen.users[0].items.tolist() == [0, 1, 2, 3, 4]
    assert chosen.users[0].owners.tolist() == [51, 51, 51, 50, 1]


def test_twins_alone_are_a_clique_of_cohesion_one() -> None:
    chosen = choose({"a": [1, 2], "b": [2, 1], "c": [7]})
    assert [u.members.tolist() for u in chosen.users] == [[0, 1]]
    assert chosen.users[0].cohesion == 1.0
    assert chosen.users[0].similarities.tolist() == [1.0, 1.0]


def test_users_with_one_item_are_not_worth_a_call() -> None:
    alone = {f"u{n}": [n % 3] for n in range(9)}
    chosen = choose(alone, settings=SyntheticSettings())
    assert chosen.users == ()
    assert "5 titles" in chosen.notes[0]
    assert [u.items.tolist() for u in choose(alone).users] == [[0], [1], [2]]


def test_a_threshold_nobody_meets_chooses_nobody_and_says_so() -> None:
    chosen = choose(crowd(), settings=replace(SMALL, threshold=1.0))
    assert chosen.users == ()
    assert chosen.items_covered.tolist() == []
    assert "no two users are at least 1 alike" in chosen.notes[0]


def test_a_budget_below_the_cheapest_chooses_nobody_and_says_so() -> None:
    chosen = choose(crowd(), token_budget=100)
    assert chosen.users == ()
    assert "the budget is 100" in chosen.notes[0]


def test_fewer_than_asked_for_is_said() -> None:
    chosen = choose({"a": [0, 1], "b": [0, 1, 2]}, count=5)
    assert len(chosen.users) == 1
    assert "1 synthetic users cover all" in chosen.notes[0]


@pytest.mark.parametrize("histories", [{}, {"a": []}, {"a": [], "b": []}])
def test_nobody_with_items_is_an_error(histories: Histories) -> None:
    with pytest.raises(DataError, match="no user has an item"):
        choose(histories)


def test_users_without_items_are_left_out() -> None:
    chosen = choose({"empty": [], "a": [0, 1], "b": [0, 1, 2]})
    assert chosen.users[0].members.tolist() == [1, 2]
    assert chosen.n_users == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token_budget": 10, "count": 10}, "either"),
        ({"count": 0}, "at least 1"),
        ({"count": 1, "settings": replace(SMALL, threshold=0.0)}, "threshold"),
        ({"count": 1, "settings": replace(SMALL, max_titles=0)}, "max_titles"),
        ({"count": 1, "settings": replace(SMALL, user_weight=-1.0)}, "user_weight"),
    ],
)
def test_wrong_settings_are_named(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose_synthetic_users([0, 1], [0], 1, ["a"], **options)


def test_wrong_input_is_named() -> None:
    with pytest.raises(DataError, match="different user ids"):
        choose_synthetic_users([0, 1, 2], [0, 0], 1, ["a", "a"], count=1)
    with pytest.raises(DataError, match="number of items"):
        choose_synthetic_users([0, 1], [3], 1, ["a"], count=1)
