"""Items that no training saw get vectors from their texts, are served, explained and measured."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import cli
import recommender
from recommender.backbones.create import create
from recommender.backbones.text.blend import Blend
from recommender.backbones.text.text import TextOnly, text_space
from recommender.cold.adding import add_items
from recommender.cold.evaluate import evaluate_cold
from recommender.cold.finish import SHARES, finish
from recommender.cold.hiding import hidden_items, new_items, only_hidden_targets, without_items
from recommender.cold.tower import Fitting, unseen_vectors
from recommender.data.texts import read_texts, words_of_items
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.manifest import read_manifest
from recommender.text import reason_lines
from store.data.splits import Part
from store.digests import text_digest
from store.errors import StoreError, UserError
from store.store import open_store
from store.tables.tasks.cards import Card

QUICK = {"steps": 30, "evaluate_every": 15, "seed": 2}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


class TestTower:
    def test_a_linear_map_is_found_and_carries_over_to_unseen_items(self) -> None:
        texts = rng().normal(size=(300, 12)).astype(np.float32)
        vectors = (texts @ rng(1).normal(size=(12, 5)) + 2).astype(np.float32)
        tower = Fitting(texts[:200], vectors[:200]).tower(1e-9)
        assert np.allclose(tower(texts[200:]), vectors[200:], atol=1e-3)

    def test_an_endless_penalty_keeps_the_inner_products_of_texts(self) -> None:
        # Drawn to zero, new items would all be the same; drawn to this map they are as texts are.
        texts = rng().normal(size=(60, 8)).astype(np.float32)
        vectors = rng(1).normal(size=(60, 8)).astype(np.float32)
        made = Fitting(texts, vectors).tower(1e12)
        moved = (made(texts) - made.centre).astype(np.float64)
        centred = texts - texts.mean(0)
        alike = np.corrcoef((moved @ moved.T).ravel(), (centred @ centred.T).ravel())[0, 1]
        assert alike > 0.9999

    def test_a_vector_is_never_from_a_tower_that_saw_its_item(self) -> None:
        texts = np.eye(20, dtype=np.float32)  # nothing of one item says anything of another
        vectors = rng().normal(size=(20, 3)).astype(np.float32)
        found = unseen_vectors(texts, vectors)[min(unseen_vectors(texts, vectors))]
        seen = Fitting(texts, vectors).tower(0.03)(texts)
        assert np.abs(seen - vectors).mean() < 0.2 < np.abs(found - vectors).mean()


class TestHiding:
    def test_a_draw_rests_on_ids_and_the_seed(self, shop: Path) -> None:
        with open_store(shop) as store:
            dataset = store.datasets.load()
        hidden = hidden_items(dataset, 0.15, 1)
        assert hidden.sum() == round(0.15 * (dataset.training_counts() > 0).sum())
        order = rng().permutation(dataset.n_items)
        place = np.argsort(order)
        moved = replace(
            dataset,
            item_ids=[dataset.item_ids[ix] for ix in order],
            items=place[dataset.items].astype(np.int32),
        )
        assert (hidden_items(moved, 0.15, 1) == hidden[order]).all()
        assert (hidden_items(dataset, 0.15, 2) != hidden).any()

    def test_nobody_took_what_is_hidden_and_only_it_is_to_be_found(self, shop: Path) -> None:
        with open_store(shop) as store:
            dataset = store.datasets.load()
        hidden = hidden_items(dataset, 0.3, 1)
        seen, held = without_items(dataset, hidden), only_hidden_targets(dataset, hidden)
        assert not hidden[seen.items].any()
        assert (seen.n_items, seen.n_users) == (dataset.n_items, dataset.n_users)
        target = held.parts == Part.TEST
        assert hidden[held.items[target]].all()
        assert not hidden[held.items[~target]].any()
        assert int(target.sum()) == int(
            (hidden[dataset.items] & np.isin(dataset.parts, [Part.VALID, Part.TEST])).sum()
        )
        names = new_items(dataset, 0.3, 1)
        assert {dataset.item_ids[ix] for ix in np.flatnonzero(hidden)} <= set(names)


class TestTexts:
    def test_sources_stand_side_by_side_and_their_mean_is_in_the_space_of_words(
        self, shop: Path, tmp_path: Path
    ) -> None:
        path = shutil.copy(shop, tmp_path / "s.db")
        with open_store(path) as store:
            width = store.vectors.items().shape[1]
            with pytest.raises(UserError, match=r"no item .* has one"):
                read_texts(store, ("card",))
            with pytest.raises(StoreError, match="--text title: "):
                read_texts(store, ("title",))
            store.cards.save([Card(0, "A card.", ("more",), "openai:m", "d")])
            with pytest.raises(StoreError, match="--text card: "):
                read_texts(store, ("card",))
            unit = np.eye(width, dtype=np.float32)[:1]
            store.vectors.put("test", [text_digest("A card.")], unit)
            both = read_texts(store, ("title", "categories", "card"))
            own = store.vectors.items()
            assert both.vectors.shape == (len(own), 2 * width)
            assert np.allclose(both.vectors[:, :width] * np.sqrt(2), own, atol=1e-3)
            assert np.allclose(both.vectors[0, width:] * np.sqrt(2), unit[0], atol=1e-3)
            assert not both.vectors[1:, width:].any()
            assert np.allclose(both.mean[1:], own[1:], atol=2e-3)
            words = words_of_items(store, both.vectors)
            assert words is not None
            assert np.allclose(words[:, :width], words[:, width:])

    def test_an_unknown_source_is_refused(self, shop: Path) -> None:
        with pytest.raises(UserError, match="no text source 'colour'"):
            recommender.train(shop, align=(), text="title,colour", training=QUICK)


class TestTextOnly:
    def test_it_scores_by_the_cosine_to_the_mean_text_of_the_history(self) -> None:
        texts = rng().normal(size=(9, 6)).astype(np.float32)
        texts /= np.linalg.norm(texts, axis=1, keepdims=True)
        model = TextOnly(9, TextOnly.Config(d=8))
        model.take_texts(texts)
        scores = model.score(model(torch.tensor([[1, 4, 0], [7, 0, 0]])).interests)
        asked = texts[0] + texts[3]
        expected = texts @ (asked / np.linalg.norm(asked))
        assert np.allclose(scores[0].numpy(), expected, atol=1e-5)
        assert int(scores[1].argmax()) == 6

    def test_interests_of_a_history_are_asked_for_too(self) -> None:
        texts = np.eye(4, dtype=np.float32)
        words = np.zeros((4, 4), dtype=np.float32)
        words[0, 2] = 1  # an interest that item 0 shows is in the words of item 2
        model = TextOnly(4, TextOnly.Config(d=4, interest_share=0.5))
        model.take_texts(texts, words)
        scores = model.score(model(torch.tensor([[1]])).interests)[0]
        assert scores[0] > scores[2] > scores[1]

    def test_longer_texts_are_turned_to_their_main_axes(self) -> None:
        texts = (rng().normal(size=(50, 4)) @ rng(1).normal(size=(4, 30))).astype(np.float32)
        axes = text_space(texts, 4)
        assert np.allclose((texts @ axes) @ (texts @ axes).T, texts @ texts.T, atol=1e-2)

    def test_it_is_trained_served_and_explained_like_any_other(
        self, shop: Path, tmp_path: Path
    ) -> None:
        recommender.train(shop, tmp_path / "m", backbone="text", align=())
        with recommender.load(tmp_path / "m", shop) as model:
            user = model.recommend(k=1)["user_id"][0]
            best = model.recommend(user, k=1)["item_id"][0]
            why = model.explain(user, best)
        assert sum(part.part for part in why.parts) == pytest.approx(why.score, abs=1e-4)
        means = recommender.evaluate(tmp_path / "m", shop).means
        popular = recommender.train(shop, tmp_path / "p", backbone="pop")
        assert popular.folder is not None
        assert means["recall@10"] > recommender.evaluate(tmp_path / "p", shop).means["recall@10"]


@pytest.fixture(scope="module")
def blended(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SASRec without 15 % of the items, with the texts beside it."""
    folder = tmp_path_factory.mktemp("cold") / "m"
    recommender.train(
        shop, folder, backbone="sasrec", align=(), blend=True, cold=0.15, training=QUICK
    )
    return folder


class TestBlend:
    def test_both_scores_are_added(self) -> None:
        base = create("sasrec", 9, d=4, length=5, seed=1).eval()
        words = TextOnly(9, TextOnly.Config(d=3))
        words.take_texts(rng().normal(size=(9, 3)).astype(np.float32))
        made = Blend.of(base, words)
        history = torch.tensor([[2, 5, 0]])
        with torch.no_grad():
            made.share[1:] = torch.arange(9) / 10
            learned = base.score(base(history).interests)
            text = words.score(words(history).interests)
            both = made.score(made(history).interests)
        assert torch.allclose(both, learned + text * made.share[1:], atol=1e-5)

    def test_no_share_is_worse_for_the_validation_users_than_none(self, shop: Path) -> None:
        plain = recommender.train(shop, backbone="sasrec", align=(), training=QUICK)
        both = recommender.train(shop, backbone="sasrec", align=(), blend=True, training=QUICK)
        assert both.texts is not None
        assert both.texts.share in SHARES
        assert both.texts.recall is not None
        assert both.texts.recall >= plain.fit.metrics["recall@50"] - 1e-6

    def test_what_a_folder_holds_is_what_was_made(self, blended: Path, shop: Path) -> None:
        model, manifest = load_model(blended)
        assert isinstance(model, Blend)
        assert manifest.training["texts_beside"]["cold_share"] in SHARES
        with open_store(shop) as store:
            dataset = store.datasets.load()
        hidden = hidden_items(dataset, 0.15, 2)
        assert len(set(model.share[1:][torch.from_numpy(hidden)].tolist())) == 1
        assert set(manifest.training["new_items"]) >= {
            dataset.item_ids[ix] for ix in np.flatnonzero(hidden)
        }

    def test_hidden_items_are_found_far_better_than_by_chance(
        self, blended: Path, shop: Path
    ) -> None:
        found = evaluate_cold(blended, shop, ks=(5,))
        candidates = found["cold"].protocol["items"]
        assert found["cold"].means["recall@5"] > 2 * 5 / candidates
        assert found["all"].means["recall@5"] <= found["cold"].means["recall@5"]

    def test_an_item_that_no_training_saw_says_so(self, blended: Path, shop: Path) -> None:
        new = read_manifest(blended).training["new_items"]
        with recommender.load(blended, shop) as model:
            user = model.recommend(k=1)["user_id"][0]
            why = model.explain(user, new[0])
            old = next(one for one in model._service.item_ids if one not in set(new))
            assert model.explain(user, old).like == []
        assert len(why.like) == 2
        assert not {one.item_id for one in why.like} & set(new)
        assert any(line.startswith("It is new: no training saw it.") for line in reason_lines(why))

    def test_without_held_out_targets_the_shares_are_fixed(self, shop: Path) -> None:
        with open_store(shop) as store:
            dataset = store.datasets.load()
            texts = store.vectors.items()
        seen = replace(dataset, parts=np.zeros_like(dataset.parts))
        made, chosen = finish(create("sasrec", dataset.n_items, d=8), seen, texts)
        assert isinstance(made, Blend)
        assert (chosen.share, chosen.recall) == (1.0, None)


def grown_store(shop: Path, folder: Path) -> Path:
    """The shop with one more item, whose words are those of its first item."""
    path = Path(shutil.copy(shop, folder / "grown.db"))
    with open_store(path) as store:
        texts = store.datasets.load().texts()
        with store.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO items (item_ix, item_id, title) VALUES (?, 'NEW', 'A new thing')",
                (len(texts),),
            )
        store.vectors.put(
            "test", [text_digest("A new thing")], store.vectors.matrix("test", texts[:1])
        )
    return path


class TestAddItems:
    @pytest.mark.parametrize("blend", [False, True])
    def test_a_new_item_is_served_beside_the_item_whose_words_it_has(
        self, shop: Path, tmp_path: Path, blend: bool
    ) -> None:
        old, new = tmp_path / "old", tmp_path / "new"
        recommender.train(
            shop, old, backbone="sasrec", align=(), blend=blend, cold=0.0, training=QUICK
        )
        path = grown_store(shop, tmp_path)
        assert add_items(old, path, new) == ["NEW"]
        with recommender.load(new, path) as model, recommender.load(old, shop) as before:
            assert model.manifest.n_items == before.manifest.n_items + 1
            first = model._service.item_ids[0]
            # Thirty steps leave vectors noisy: the item of the same words is in the nearest fourth.
            nearest = before.manifest.n_items // 4
            near = model.similar_items("NEW", k=nearest)["item_id"].to_list()
            assert first in near
            user = before.recommend(k=1)["user_id"][0]
            lists = [one.recommend(user, k=5)["item_id"].to_list() for one in (before, model)]
            assert [item for item in lists[1] if item != "NEW"][:4] == lists[0][:4]
            assert model.explain(user, "NEW").like != []
        with pytest.raises(UserError, match=r"holds a model.*`overwrite`"):
            add_items(old, path, new)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("mine")
        with pytest.raises(UserError, match="is a file"):
            add_items(old, path, elsewhere)
        (tmp_path / "linked").mkdir()
        (tmp_path / "linked" / "model.safetensors").symlink_to(elsewhere)
        with pytest.raises(UserError, match="is a link"):
            add_items(old, path, tmp_path / "linked")
        assert elsewhere.read_text() == "mine"
        with pytest.raises(UserError, match="no item that model"):
            add_items(new, path, tmp_path / "third")

    def test_a_model_that_keeps_more_than_vectors_is_refused(
        self, shop: Path, tmp_path: Path
    ) -> None:
        recommender.train(shop, tmp_path / "m", backbone="ease")
        with pytest.raises(UserError, match="not a vector for each alone"):
            add_items(tmp_path / "m", grown_store(shop, tmp_path), tmp_path / "n")

    def test_the_commands(
        self, shop: Path, blended: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = grown_store(shop, tmp_path)
        out = tmp_path / "grown"
        arguments = ["add-items", str(blended), "--store", str(path), "--out", str(out), "--json"]
        assert cli.run(cli.recommender_app, "recommender", arguments) == 0
        assert json.loads(capsys.readouterr().out)["added"] == ["NEW"]
        assert (
            cli.run(cli.recommender_app, "recommender", ["evaluate", str(blended), "--cold"]) == 0
        )
        assert "hidden from training" in capsys.readouterr().out
        plain = ["train", "--store", str(shop), "--out", str(tmp_path / "p"), "--backbone", "pop"]
        assert cli.run(cli.recommender_app, "recommender", plain) == 0
        cold = ["evaluate", str(tmp_path / "p"), "--cold"]
        assert cli.run(cli.recommender_app, "recommender", cold) == 2
        assert "no item was hidden" in capsys.readouterr().err
