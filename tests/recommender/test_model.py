"""A trained model as an object: frames out, open stores in, words for people."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import recommender
from store.errors import UserError
from store.store import open_store


def test_lists_of_users_are_a_frame(trained: Path) -> None:
    with recommender.load(trained) as model:
        one = model.recommend("U001", 4)
        several = model.recommend(["U002", "U001"], k=4)
        every = model.recommend(k=2)
        varied = model.recommend("U001", 4, diversity=1e-9)
    plain = recommender.recommend(trained, user="U001", k=4)
    assert one["item_id"].to_list() == [item.item_id for item in plain]
    assert one["title"].to_list() == [item.title for item in plain]
    assert one.columns == ["user_id", "rank", "item_id", "title", "score", "interest"]
    assert several["user_id"].to_list() == ["U002"] * 4 + ["U001"] * 4
    mine = several.filter(user_id="U001")
    assert mine["item_id"].to_list() == one["item_id"].to_list()
    assert mine["score"].to_list() == pytest.approx(one["score"].to_list(), abs=1e-5)
    assert varied["item_id"].to_list() == one["item_id"].to_list()
    assert every["user_id"].n_unique() == 150


def test_a_raw_history_and_what_cannot_be_asked(trained: Path) -> None:
    with recommender.load(trained) as model:
        known = model.recommend("U001", 3)["item_id"].to_list()
        lists = model.recommend(history=known, k=5)
        assert lists["user_id"].null_count() == 5
        assert not set(lists["item_id"]) & set(known)
        with pytest.raises(UserError, match="not both"):
            model.recommend("U001", history=known)
        with pytest.raises(UserError, match="no user 'nobody'"):
            model.recommend("nobody")
        with pytest.raises(UserError, match="does not know item 'none'"):
            model.similar_items("none")
        assert model.recommend([], k=3).is_empty()


def test_similar_items_have_the_largest_cosine(trained: Path) -> None:
    with recommender.load(trained) as model:
        item = model.recommend("U001", 1)["item_id"][0]
        near = model.similar_items(item, 5)
        table = F.normalize(model.backbone.item_embeddings()[1:].detach(), dim=1)
        place = model._service.index[item]
        cosines = [
            float(table[place] @ table[model._service.index[other]]) for other in near["item_id"]
        ]
        rest = torch.cat([table[:place], table[place + 1 :]]) @ table[place]
    assert item not in near["item_id"].to_list()
    assert near["cosine"].to_list() == pytest.approx(cosines, abs=1e-6)
    assert near["cosine"][0] == pytest.approx(float(rest.max()), abs=1e-6)


def test_an_open_store_stays_open_and_is_taken_everywhere(shop: Path, trained: Path) -> None:
    with open_store(shop) as store:
        with recommender.load(trained, store) as model:
            assert model.explain("U001", model.recommend("U001", 1)["item_id"][0]).parts
            assert (
                model.evaluate(ks=(5,)).means == recommender.evaluate(trained, store, ks=(5,)).means
            )
        assert recommender.recommend(trained, user="U001", k=1, store=store)
        assert store.datasets.load().n_users == 150


def test_it_says_what_it_is(trained: Path) -> None:
    with recommender.load(trained) as model:
        assert repr(model).startswith("<Model remi+eimf of ")
        assert "split leave-one-out" in repr(model)
        page = model._repr_html_()
    assert "<th>validation</th><td>recall@10" in page
    assert {"load", "Model", "compare", "train"} <= set(dir(recommender)) & set(recommender.__all__)
