"""Model folders: what is written is what is read, and what does not fit is refused by name."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from recommender.backbones.create import create
from recommender.backbones.registry import BACKBONES
from recommender.model_folder.artefacts import check_items, load_model, save_model
from recommender.model_folder.manifest import MANIFEST, describe, differences, read_manifest
from recommender.model_folder.weights import ITEMS, WEIGHTS, load_item_ids
from store.data.dataset import Dataset
from store.data.splits import Split
from store.digests import json_digest
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

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"training": {"interests": "bogus"}}, "training: interests is 'bogus', not exemplar"),
            ({"training": {"store": 5}}, "training: store is 5, not a text"),
            ({"n_items": 6}, "does not hold 6 distinct items"),
            ({"n_items": "many"}, "n_items: "),
            ({"backbone": "nosuch"}, "unknown backbone 'nosuch'"),
            ({"config": {"d": "wide"}}, "d = 'wide'"),
            ({"config": {"d": 4, "length": 4, "k": 4, "bias": False}}, "has the shape"),
        ],
    )
    def test_a_manifest_changed_by_hand_is_one_plain_line(self, tmp_path, change, words):
        # "interests": "bogus" was a traceback from inside the store.
        saved(tmp_path)
        path = tmp_path / MANIFEST
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
        with pytest.raises(UserError) as refused:
            load_model(tmp_path)
        assert words in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_a_manifest_nested_without_end(self, tmp_path):
        saved(tmp_path)
        (tmp_path / MANIFEST).write_text("[" * 100_000 + "]" * 100_000)
        with pytest.raises(UserError, match="nested too deep"):
            load_model(tmp_path)

    @pytest.mark.parametrize("ids", [[1, 2, 3, 4, 5], {"a": 1}, ["a", None, "c", "d", "e"]])
    def test_item_ids_that_are_no_texts(self, tmp_path, ids):
        saved(tmp_path)
        (tmp_path / ITEMS).write_text(json.dumps(ids))
        path = tmp_path / MANIFEST
        known = json.loads(path.read_text()) | {"items_digest": json_digest(ids)}
        path.write_text(json.dumps(known))
        with pytest.raises(UserError, match=r"not a (text|list)"):
            load_model(tmp_path)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda t: t.to(torch.int8), "'items' is int8, not float32"),
            (lambda t: t.to(torch.complex64), "'items' is complex64, not float32"),
            (lambda t: t[:-1], r"has the shape \(5, 8\), not \(6, 8\)"),
            (lambda t: t.index_fill(0, torch.tensor(3), torch.nan), "not numbers"),
        ],
    )
    def test_weights_of_another_kind(self, tmp_path, change, words):
        # int8 and complex weights were taken without a word, and cast.
        saved(tmp_path)
        tensors = load_file(tmp_path / WEIGHTS)
        save_file(tensors | {"items": change(tensors["items"]).contiguous()}, tmp_path / WEIGHTS)
        with pytest.raises(UserError, match=words):
            load_model(tmp_path)

    def test_weights_in_half_precision_are_taken(self, tmp_path):
        model = saved(tmp_path)
        tensors = {name: t.half() for name, t in load_file(tmp_path / WEIGHTS).items()}
        save_file(tensors, tmp_path / WEIGHTS)
        loaded, _ = load_model(tmp_path)
        torch.testing.assert_close(loaded.items, model.items, rtol=1e-2, atol=1e-3)

    def test_an_interrupted_save_leaves_no_manifest(self, tmp_path):
        saved(tmp_path)
        model = create("remi", 5, d=8, length=4)
        manifest = describe(model, dataset())
        with pytest.raises(ValueError, match="4 item ids"):
            save_model(tmp_path, model, manifest, ["a", "b", "c", "d"])
        load_model(tmp_path)  # refused before anything was touched


def test_the_old_manifest_goes_before_anything_of_the_new_model_is_written(tmp_path, monkeypatch):
    """Mutant: with the old manifest left, a save that is killed leaves one model's manifest over
    another's weights."""
    saved(tmp_path / "m")

    def killed(*_):
        assert not (tmp_path / "m" / "manifest.json").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("recommender.model_folder.artefacts.write_tensors", killed)
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path / "m")
    assert not (tmp_path / "m" / "manifest.json").exists()
