"""Users that differ by rounding alone are one user; crawlers are asked about no more."""

from __future__ import annotations

import numpy as np

from profiler.selection.exemplars import choose_exemplars
from profiler.selection.exemplars.users import NOISE, gather
from profiler.vectors.histories import history_vectors, unit_rows
from store.data.crawlers import beyond_a_person


def baskets(users: int, seed: int = 0) -> np.ndarray:
    """Vectors of users with the same seven items, each in an order of its own."""
    random = np.random.default_rng(seed)
    items = unit_rows(random.normal(size=(7, 384)).astype(np.float32))
    orders = np.concatenate([random.permutation(7) for _ in range(users)])
    return history_vectors(items, np.arange(users + 1) * 7, orders)


def test_equal_baskets_in_another_order_are_one_user():
    # 40 users with the same seven items gave eight exemplars.
    vectors = baskets(40)
    assert len(np.unique(vectors, axis=0)) > 1
    others = unit_rows(np.random.default_rng(1).normal(size=(10, 384)).astype(np.float32))
    vectors = np.vstack([vectors, others])
    ids = [f"u{n:02}" for n in range(50)]
    crowd = gather(vectors, ids, None, center=False, mean=None)
    assert (len(crowd.heads), crowd.weights.max()) == (11, 40)
    found = choose_exemplars(vectors, ids, share=0.2, center=False)
    assert np.count_nonzero(found.rows < 40) <= 1


def test_users_that_are_near_but_not_the_same_stay_apart():
    base = unit_rows(np.random.default_rng(2).normal(size=(1, 384)).astype(np.float32))
    step = unit_rows(np.random.default_rng(3).normal(size=(1, 384)).astype(np.float32))
    vectors = np.vstack([base + step * NOISE * 20 * n for n in range(5)]).astype(np.float32)
    crowd = gather(vectors, list("abcde"), None, center=False, mean=None)
    assert len(crowd.heads) == 5


def test_who_is_hardly_a_person():
    people = np.full(100, 8)
    assert not beyond_a_person(people).any()
    assert beyond_a_person(np.append(people, 2000)).tolist() == [False] * 100 + [True]
    assert not beyond_a_person(np.append(people, 30)).any()
    assert not beyond_a_person(np.array([5, 5, 5000])).any()
    assert beyond_a_person(np.append(np.full(10_000, 8), 1200))[-1]
