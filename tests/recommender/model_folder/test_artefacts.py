"""Model folders: what is written is what is read, and what does not fit is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from recommender.backbones.create import create
from recommender.backbones.registry import BACKBONES
from recommender.model_folder.artefacts import (
    ITEMS,
    MANIFEST,
    WEIGHTS,
    check_items,
    describe,
    differences,
    load_item_ids,
    load_model,
    read_manifest,
    save_model,
)
from store.data.dataset import Dataset
from store.data.splits import Split
from store.errors import StoreError, UserError

HISTORY = torch.tensor([[1, 2, 3, 0], [4, 0, 0, 0]])


def dataset(item_ids: list[str] | None = None) -> Dataset:
    ids = item_ids or ["a", "b", "c", "d", "ü\n1"]
    return Dataset(
        user_ids=["u"],
        item_ids=ids,
        titles=[None] * len(ids),
        categories=[()] * len(ids),
        indptr=np.array([0, 3]),
        items=np.array([0, 1, 2], np.int32),
        timestamps=np.zeros(3, np.int64),
        parts=np.array([0, 2, 3], np.int8),
        user_split=np.zeros(1, np.int8),
        split=Split("leave-one-out"),
    )


def saved(folder, name="remi", data=None, **config):
    data = data or dataset()
    model = create(name, data.n_items, seed=4, **({"d": 8, "length": 4} | config)).eval()
    manifest = describe(model, data, metrics={"test": {"recall@50": 0.5}}, training={"seed": 4})
    save_model(folder, model, manifest, data.item_ids)
    return model


@pytest.mark.parametrize("name", sorted(BACKBONES.built_in))
def test_round_trip(name, tmp_path):
    model = saved(tmp_path, name)
    loaded, manifest = load_model(tmp_path, dataset=dataset())
    assert type(loaded) is type(model)
    assert loaded.config == model.config
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(HISTORY).interests, model(HISTORY).interests)
    assert manifest.metrics == {"test": {"recall@50": 0.5}}
    assert manifest.versions["torch"] == torch.__version__
    assert differences(manifest, dataset()) == []
    assert load_item_ids(tmp_path) == dataset().item_ids


def test_only_safetensors_and_json_are_written(tmp_path):
    saved(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([WEIGHTS, ITEMS, MANIFEST])
    json.loads((tmp_path / MANIFEST).read_text())


@pytest.mark.parametrize(
    ("mine", "stored", "words"),
    [
        (["a", "b"], ["a", "b", "c"], "has grown since model"),
        (["a", "b", "x"], ["a", "b"], "model has 1 items the store lacks ('x')"),
        (["a", "b"], ["b", "a"], "item_ix 0 is 'a' in the model and 'b' in the store"),
        (list("abcdef"), ["a", "z"], "('b', 'c', 'd', …)"),
    ],
)
def test_other_items_are_named(mine, stored, words, tmp_path):
    with pytest.raises(StoreError) as refused:
        check_items(mine, stored, tmp_path)
    assert words in str(refused.value)


def test_a_model_of_another_store_is_refused(tmp_path):
    saved(tmp_path)
    with pytest.raises(StoreError, match="belongs to another store"):
        load_model(tmp_path, dataset=dataset(["a", "b", "c", "d", "e"]))


def test_what_else_differs_is_said(tmp_path):
    saved(tmp_path)
    manifest = read_manifest(tmp_path)
    data = dataset()
    grown = replace(data, parts=np.array([0, 0, 3], np.int8), split=Split("none"))
    words = " ".join(differences(manifest, grown))
    assert "leave-one-out" in words
    assert "none" in words
    assert "changed since" in words


class TestDamage:
    def test_no_model(self, tmp_path):
        with pytest.raises(UserError, match="no model at"):
            load_model(tmp_path / "none")

    def test_cut_weights(self, tmp_path):
        saved(tmp_path)
        path = tmp_path / WEIGHTS
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(UserError, match="does not hold this model's weights"):
            load_model(tmp_path)

    def test_weights_of_another_model(self, tmp_path):
        saved(tmp_path / "a")
        saved(tmp_path / "b", d=4)
        (tmp_path / "b" / WEIGHTS).replace(tmp_path / "a" / WEIGHTS)
        with pytest.raises(UserError, match="does not hold this model's weights"):
            load_model(tmp_path / "a")

    def test_changed_item_list(self, tmp_path):
        saved(tmp_path)
        (tmp_path / ITEMS).write_text('["a", "b", "c", "d", "e"]')
        with pytest.raises(UserError, match="not the list of items"):
            load_model(tmp_path)

    @pytest.mark.parametrize("text", ["{", "[]", '{"backbone": "remi"}'])
    def test_damaged_manifest(self, tmp_path, text):
        saved(tmp_path)
        (tmp_path / MANIFEST).write_text(text)
        with pytest.raises(UserError, match="is damaged"):
            load_model(tmp_path)

    def test_a_later_format(self, tmp_path):
        saved(tmp_path)
        path = tmp_path / MANIFEST
        path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
        with pytest.raises(UserError, match="format 2, this version reads 1"):
            load_model(tmp_path)

    def test_an_interrupted_save_leaves_no_manifest(self, tmp_path):
        saved(tmp_path)
        model = create("remi", 5, d=8, length=4)
        manifest = describe(model, dataset())
        with pytest.raises(ValueError, match="4 item ids"):
            save_model(tmp_path, model, manifest, ["a", "b", "c", "d"])
        load_model(tmp_path)  # refused before anything was touched
