"""A store whose interests are right by construction: twenty topics, each user in three of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from profiler.asking.answers.answer_schema import Interest
from store.data.prepare import prepare
from store.data.readers import read
from store.digests import text_digest
from store.store import Store, open_store
from store.tables.subjects import SubjectRow

TOPICS = 20
EACH = 6
USERS = 30
SHOWN = 3


def planted_store(path: Path) -> Path:
    """Make the store: users as exemplars of themselves, vectors near their topic's direction."""
    rng = np.random.default_rng(0)
    items = pl.DataFrame(
        [
            (f"t{topic}i{n}", f"Topic {topic} item {n}", f"Kind {topic}", f"Brand {topic}")
            for topic in range(TOPICS)
            for n in range(EACH)
        ],
        schema=["item_id", "title", "categories", "brand"],
        orient="row",
    )
    log, tastes = [], []
    for number in range(USERS):
        user, topics = f"u{number:02d}", rng.choice(TOPICS, 3, replace=False).tolist()
        tastes.append(topics)
        taken = [(t, n) for t in topics for n in rng.choice(EACH, SHOWN, replace=False).tolist()]
        held = [(topics[0], 0), (topics[1], 1)]
        rest = [pair for pair in taken if pair not in held]
        log += [(user, f"t{t}i{n}", place) for place, (t, n) in enumerate([*rest, *held])]
    frame = pl.DataFrame(log, schema=["user_id", "item_id", "timestamp"], orient="row")
    with open_store(path, create=True) as store:
        store.datasets.save(prepare(read((frame, items))), "frames")
        _interests(store, tastes)
        _vectors(store, rng)
    return path


def _interests(store: Store, tastes: list[list[int]]) -> None:
    dataset = store.datasets.load()
    run = store.runs.start("build", {})
    indptr, interests, evidence, bounds = [0], [], [], [0]
    for user, topics in enumerate(tastes):
        shown = dataset.history(user).tolist()
        row = SubjectRow(
            "exemplar", f"exemplar:{user}", user, shown, members=[user], similarities=[1.0]
        )
        [subject] = store.subjects.add([row], run)
        found = [
            Interest(
                label=f"Interest {t}",
                description=f"About {t}",
                evidence=[
                    dataset.item_ids[i] for i in shown if dataset.item_ids[i].startswith(f"t{t}i")
                ],
            )
            for t in topics
        ]
        store.interests.save(subject, found, source="offline", response_id=None)
        indptr.append(indptr[-1] + len(found))
    catalogue = store.interests.catalogue()
    for row, number in enumerate(catalogue.ids.tolist()):
        start, stop = catalogue.indptr[row : row + 2].tolist()
        interests.append(number)
        evidence += catalogue.items[start:stop].tolist()
        bounds.append(len(evidence))
    store.interests.save_assignments(
        list(range(len(tastes))),
        np.array(indptr),
        np.array(interests),
        np.full(len(interests), 1 / 3),
        np.array(bounds),
        np.array(evidence),
        np.full(len(evidence), 0.9),
    )


def _vectors(store: Store, rng: np.random.Generator) -> None:
    dataset = store.datasets.load()
    store.set_meta(encoder="m", item_text="title", history_vector="mean")
    near = {f"Topic {t} item {n}": np.eye(TOPICS)[t] for t in range(TOPICS) for n in range(EACH)}
    texts = {title: near[title] + rng.normal(0, 0.1, TOPICS) for title in dataset.titles if title}
    texts |= {f"Interest {t}. About {t}": np.eye(TOPICS)[t] for t in range(TOPICS)}
    rows = np.array(list(texts.values()))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    store.vectors.put("m", [text_digest(text) for text in texts], rows.astype(np.float32))
