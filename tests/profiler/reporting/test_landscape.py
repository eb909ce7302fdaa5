from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from profiler.reporting.landscape import HEIGHT, WIDTH, draw_map
from store.digests import text_digest
from store.store import Store, open_store
from tests.asking_store import make_store
from tests.reading_store import Interest

GROUPS = {"gel pens": (1, 0, 0), "paper shredders": (0, 1, 0), "desk tape": (0, 0, 1)}
EACH = 14


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three bundles of interests that mean three things, 42 in all."""
    made = make_store(tmp_path / "s.db", subjects=len(GROUPS))
    made.set_meta(encoder="m")
    rng = np.random.default_rng(1)
    for subject, (words, centre) in enumerate(GROUPS.items(), start=1):
        interests = [Interest(f"{words} {n}", "", [f"s{subject - 1}-i0"]) for n in range(EACH)]
        made.interests.save(subject, interests, source="test", response_id=None)
        vectors = np.array(centre) + 0.1 * rng.normal(size=(EACH, 3))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        texts = [text_digest(one.label) for one in interests]
        made.vectors.put("m", texts, vectors.astype(np.float32))
    return made


def entries(store: Store) -> list[dict[str, Any]]:
    found = store.interests.catalogue()
    return [
        {"interest_id": int(i), "label": label, "users": 1 + int(i)}
        for i, label in zip(found.ids, found.labels, strict=True)
    ]


def test_themes_are_the_bundles_and_neighbours_lie_together(store: Store) -> None:
    found = draw_map(store, entries(store))
    points = {p.interest_id: p for p in found.points}
    assert len(points) == 3 * EACH
    assert found.method.startswith("t-SNE")
    assert all(0 <= p.x <= WIDTH and 0 <= p.y <= HEIGHT for p in found.points)
    # k-means may split a bundle but never joins two: each theme is named by one bundle.
    subject = {i: (i - 1) // EACH for i in points}
    for theme in found.themes:
        members = {subject[i] for i, p in points.items() if p.theme == theme.number}
        assert len(members) == 1
        bundle = list(GROUPS)[members.pop()]
        assert theme.name.split(", ")[0].split(" (")[0] in bundle.split()
    place = np.array([[p.x, p.y] for p in found.points])
    gap = np.linalg.norm(place[:, None] - place[None], axis=-1) + 1e9 * np.eye(len(place))
    nearest = gap.argmin(axis=1)
    alike = [subject[found.points[i].interest_id] for i in nearest]
    assert alike == [subject[p.interest_id] for p in found.points]


def test_order_does_not_matter_and_the_same_store_gives_the_same_map(store: Store) -> None:
    assert draw_map(store, entries(store)) == draw_map(store, entries(store)[::-1])


def test_a_few_interests_are_placed_by_components_and_one_in_the_middle(store: Store) -> None:
    few = draw_map(store, entries(store)[:5])
    assert few.method == "first two principal components"
    assert len(few.points) == 5
    one = draw_map(store, entries(store)[:1])
    assert (one.points[0].x, one.points[0].y) == (WIDTH / 2, HEIGHT / 2)


def test_interests_without_vectors_are_counted_not_invented(store: Store, tmp_path: Path) -> None:
    everything = entries(store)
    with store.write() as connection:
        connection.exec_driver_sql(
            "DELETE FROM vectors WHERE digest = ?", (text_digest("gel pens 0"),)
        )
    found = draw_map(store, everything)
    assert (len(found.points), found.unplaced) == (3 * EACH - 1, 1)
    empty = draw_map(open_store(tmp_path / "e.db", create=True), [])
    assert empty.points == []
