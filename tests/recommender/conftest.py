"""A small store, and its semantics as plain arrays, for the tests of what uses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.data.semantics import Semantics
from store.data.interest import interest_text
from store.data.prepare import prepare
from store.data.readers import read
from store.data.sample import load_truth, write_sample
from store.digests import text_digest
from store.store import Store, open_store
from store.tables.subjects import SubjectRow

# With tensors this small a second thread only waits, for long where other processes share cores.
torch.set_num_threads(1)

N_ITEMS, N_USERS, WIDTH = 12, 6, 8

# Tensors here are tiny: a second thread only waits, badly so where tests run side by side.
torch.set_num_threads(1)


@pytest.fixture
def semantics() -> Semantics:
    """12 items, two exemplars (users 0-2 and 3-4) with two interests each, user 5 without any."""
    rng = np.random.default_rng(0)

    def unit(n: int) -> np.ndarray:
        rows = rng.normal(size=(n, WIDTH))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    items = unit(N_ITEMS)
    items[11] = 0  # an item without text
    evidence = [[0, 1, 2], [3, 4], [5, 6, 7], [2, 8, 9]]
    return Semantics(
        item_vectors=items,
        interest_ids=np.array([10, 11, 20, 21]),
        interest_vectors=unit(4),
        subjects=np.array([1, 1, 2, 2]),
        kinds=np.array(["exemplar"] * 4),
        indptr=np.array([0, 2, 4, 6, 8, 10, 10]),
        rows=np.array([0, 1, 0, 1, 0, 1, 2, 3, 2, 3]),
        evidence_indptr=np.array([0, 3, 5, 8, 11]),
        evidence=np.array([item for group in evidence for item in group]),
    )


@dataclass(frozen=True)
class Said:
    """An interest as the profiler would hand it to the store."""

    label: str
    description: str
    evidence: Sequence[str]


def build_shop(folder: Path, split: str, *, words: bool = True) -> Path:
    """A store of the sample shop: two exemplars for each planted interest, vectors by interest."""
    sample = write_sample(folder / "shop", users=150, seed=3)
    truth = load_truth(sample.folder)
    path = folder / f"{split}.db"
    with open_store(path, create=True) as store:
        store.datasets.save(prepare(read(sample.folder), split=split), "shop")
        if words:
            _profile(store, truth.items)
    return path


def _profile(store: Store, interest_of: dict[str, str]) -> None:
    data, rng = store.datasets.load(), np.random.default_rng(5)
    names = sorted(set(interest_of.values()))
    centres = {name: rng.normal(size=WIDTH * 4) for name in names}

    def near(name: str) -> np.ndarray:
        vector = centres[name] + 0.4 * rng.normal(size=WIDTH * 4)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    texts = data.texts()
    vectors = np.stack([near(interest_of[item]) for item in data.item_ids])
    store.vectors.put("test", [text_digest(text) for text in texts], vectors)
    store.set_meta(encoder="test", item_text="title+categories")
    run_id = store.runs.start("test", {})
    indptr, items = data.visible()
    users = [u for u in range(data.n_users) if indptr[u + 1] - indptr[u] >= 4][:10]
    rows = [
        SubjectRow(
            "exemplar",
            f"exemplar:{data.user_ids[user]}",
            user,
            list(dict.fromkeys(items[indptr[user] : indptr[user + 1]].tolist())),
            members=list(range(place, data.n_users, len(users))),
        )
        for place, user in enumerate(users)
    ]
    store.subjects.choose("exemplar", rows, run_id)
    for subject in store.subjects.load():
        groups: dict[str, list[str]] = {}
        for item in subject.items:
            item_id = data.item_ids[item]
            groups.setdefault(interest_of[item_id], []).append(item_id)
        said = [Said(name, f"likes {name}", found) for name, found in groups.items()]
        store.interests.save(subject.subject_id, said, source="offline", response_id=None)
        digests = [text_digest(interest_text(s.label, s.description)) for s in said]
        store.vectors.put("test", digests, np.stack([near(s.label) for s in said]))
    store.runs.finish(run_id, "done", {})


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Path of a small store with interests, split leave-one-out; read only."""
    return build_shop(tmp_path_factory.mktemp("shop"), "leave-one-out")


@pytest.fixture(scope="session")
def trained(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a REMI model aligned with EIMF on the shop, a few steps old."""
    from recommender.api import train

    out = tmp_path_factory.mktemp("model") / "remi"
    train(shop, out, training={"steps": 60, "evaluate_every": 20}, model={"length": 12})
    return out


@pytest.fixture
def shop_maker() -> Callable[..., Path]:
    """``(folder, split, words=True)`` → path of a new store of the shop."""

    def make(folder: Path, split: str, *, words: bool = True) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        return build_shop(folder, split, words=words)

    return make
