"""Sessions grouped by pairs that belong together."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from profiler.llm.port import Request, ShownItem, ShownSubject
from profiler.offline.extractor import CorpusStatistics, OfflineExtractor, extract
from profiler.offline.sessions import (
    FEATURES,
    WEIGHTS,
    Baskets,
    group_session,
    overlapping_groups,
    pair_features,
)
from store.store import open_store
from tests.reading_store import fill

DIM = 16


def shop(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two kinds of items (even and odd numbers) and baskets that hold one kind each, as CSR."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(2, DIM))
    vectors = centres[np.arange(40) % 2] + 0.35 * rng.normal(size=(40, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    baskets = [rng.choice(np.arange(kind, 40, 2), 4, replace=False) for kind in (0, 1) * 20]
    indptr = np.arange(0, 4 * len(baskets) + 1, 4)
    return vectors.astype(np.float32), indptr, np.concatenate(baskets)


def test_likes_that_share_baskets_belong_together() -> None:
    vectors, indptr, items = shop()
    shared = Baskets.of(vectors, indptr, items).shared(vectors[[0, 2, 4, 1]])
    assert shared[0, 1] > shared[0, 3]
    assert np.allclose(shared, shared.T)


def test_the_own_basket_is_not_counted() -> None:
    vectors = np.eye(6, dtype=np.float32)
    one = Baskets.of(vectors, np.array([0, 2]), np.array([0, 1])).shared(vectors[[0, 1]])
    other = Baskets.of(vectors, np.array([0, 2, 4]), np.array([0, 1, 0, 1])).shared(vectors[[0, 1]])
    assert other[0, 1] > one[0, 1]


def test_features_are_symmetric_named_and_free_of_order() -> None:
    vectors, indptr, items = shop()
    baskets = Baskets.of(vectors, indptr, items)
    rows = np.array([0, 2, 4, 1, 3])
    found = pair_features(vectors[rows], vectors[rows], baskets.shared(vectors[rows]))
    assert found.shape == (5, 5, len(FEATURES))
    assert len(WEIGHTS) == len(FEATURES)
    assert np.isfinite(found).all()
    assert np.allclose(found, found.transpose(1, 0, 2), atol=1e-6)
    order = np.array([3, 0, 4, 2, 1])
    again = pair_features(
        vectors[rows[order]], vectors[rows[order]], baskets.shared(vectors[rows[order]])
    )
    off = ~np.eye(5, dtype=bool)
    assert np.allclose(again[off], found[np.ix_(order, order)][off], atol=1e-5)


@pytest.mark.parametrize(
    ("pairs", "groups"),
    [
        ([], [[0], [1], [2], [3]]),
        ([(0, 1), (0, 2), (1, 2)], [[0, 1, 2], [3]]),
        ([(0, 1), (1, 2)], [[0, 1], [1, 2], [3]]),  # 1 belongs to both
        ([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], [[0, 1, 2, 3]]),
    ],
)
def test_groups_are_maximal_sets_of_pairs(
    pairs: list[tuple[int, int]], groups: list[list[int]]
) -> None:
    probabilities = np.zeros((4, 4))
    for left, right in pairs:
        probabilities[left, right] = probabilities[right, left] = 1
    assert overlapping_groups(probabilities) == groups
    assert overlapping_groups(probabilities, max_groups=1) == groups[:1]


def test_small_sessions_and_items_without_text() -> None:
    vectors, indptr, items = shop()
    baskets = Baskets.of(vectors, indptr, items)
    assert group_session(vectors[:0], vectors[:0], baskets) == []
    assert group_session(vectors[:1], vectors[:1], baskets) == [[0]]
    assert group_session(vectors[:2], vectors[:2], baskets) == [[0, 1]]
    gap = np.vstack([vectors[[0, 2]], np.zeros((1, DIM), np.float32), vectors[[4]]])
    assert {row for group in group_session(gap, gap, baskets) for row in group} == {0, 1, 3}


def test_the_extractor_groups_sessions_and_gives_every_item_as_shown() -> None:
    vectors, indptr, items = shop()
    titles = [f"{'Tent peg' if n % 2 else 'Espresso cup'} {n}" for n in range(40)]
    corpus = CorpusStatistics.of(titles, [()] * 40, vectors)
    baskets = Baskets.of(corpus.centred(vectors), indptr, items)
    shown = [ShownItem(n, f"i{n}", titles[n], ()) for n in (0, 2, 4, 6, 1)]
    found = extract(shown, vectors[[0, 2, 4, 6, 1]], corpus, baskets=baskets)
    together = {frozenset(interest["evidence"]) for interest in found}
    assert any({"i0", "i2", "i4", "i6"} <= group for group in together)


def test_the_extractor_takes_the_baskets_of_its_data(tmp_path: Path) -> None:
    with open_store(fill(tmp_path / "s.db")) as store:
        dataset, vectors = store.datasets.load(), store.vectors.items()
    shown = [
        ShownItem(item, dataset.item_ids[item], dataset.titles[item], ())
        for item in dataset.history(dataset.user_index["customer-ada"]).tolist()
    ]
    subject = ShownSubject(1, "exemplar", "exemplar:customer-ada", tuple(shown))
    request = Request(subject, (), {}, "interests", "interests", "t", "s256:t", 1_000)
    answers = []
    for sessions in (False, True):
        extractor = OfflineExtractor(dataset, vectors, sessions=sessions)
        answers.append(json.loads(asyncio.run(extractor.ask(request)).text)["interests"])
        assert extractor.params.get("sessions", False) is sessions
    for interests in answers:
        assert {i for one in interests for i in one["evidence"]} <= {i.item_id for i in shown}
        assert interests
