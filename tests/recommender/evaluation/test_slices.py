"""Recall by rarity and history length against loops over users and targets."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from recommender.api import train
from recommender.data.sequences import Sequences
from recommender.evaluation import ranking
from recommender.evaluation.slices import recall_slices
from recommender.measure import evaluate
from store.store import open_store


@pytest.fixture(scope="module")
def model(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slices") / "model"
    train(shop, folder, backbone="sasrec", align=(), training={"steps": 20, "evaluate_every": 20})
    return folder


def test_slices_equal_loops(shop: Path, model: Path) -> None:
    found = evaluate(model, shop, ks=[5], where=True)
    with open_store(shop) as store:
        dataset = store.datasets.load()
    cases = Sequences.from_dataset(dataset).eval_histories("test", 50)
    keep = ranking.keeps_seen(dataset.split.name)
    indptr, targets = ranking.targets_of(cases, dataset.n_items, keep_seen=keep)
    trained = np.bincount(dataset.visible()[1], minlength=dataset.n_items)
    low, high = (math.floor(q) for q in np.quantile(trained[targets.numpy() - 1], [0.25, 0.75]))
    expected = {"rare": [], "usual": [], "frequent": []}
    row = 0
    for user in range(len(indptr) - 1):
        mine = targets[indptr[user] : indptr[user + 1]].tolist()
        if not mine:
            continue
        listed = found.ranked[row, :5].tolist()
        for name, inside in {
            "rare": [t for t in mine if trained[t - 1] <= low],
            "usual": [t for t in mine if low < trained[t - 1] <= high],
            "frequent": [t for t in mine if trained[t - 1] > high],
        }.items():
            hits = sum(t in listed for t in inside)
            expected[name].append(hits / len(inside) if inside else math.nan)
        row += 1
    for name, values in expected.items():
        (mine,) = [v.numpy() for key, v in found.slices.items() if key.startswith(name)]
        assert np.allclose(mine, values, equal_nan=True), name


def test_parts_make_the_whole(shop: Path, model: Path) -> None:
    found = evaluate(model, shop, ks=[5], names=["recall"], where=True)
    parts = [value for key, value in found.slices.items() if "histories" in key]
    inside = np.stack([~value.isnan().numpy() for value in parts])
    assert (inside.sum(0) == 1).all()
    whole = np.nansum(np.stack([value.numpy() for value in parts]), axis=0)
    assert np.allclose(whole, found.values["recall@5"].numpy())
    rows = found.slice_rows()
    assert sum(n for name, n, _, _ in rows if "histories" in name) == len(found.users)
    assert all(0 <= mean <= 1 for _, _, mean, _ in rows)


def test_a_shorter_list_than_asked_for_is_measured_as_it_is(shop: Path, model: Path) -> None:
    found = evaluate(model, shop, ks=[5])
    with open_store(shop) as store:
        dataset = store.datasets.load()
    cases = Sequences.from_dataset(dataset).eval_histories("test", 50)
    targets = ranking.targets_of(cases, dataset.n_items, keep_seen=False)
    few = recall_slices(found, cases, targets, dataset, 1)
    more = recall_slices(found, cases, targets, dataset, 5)
    for name, value in few.items():
        assert np.nansum(value.numpy()) <= np.nansum(more[name].numpy())
