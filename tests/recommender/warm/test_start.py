"""A training goes on from a trained model: settings, weights, and rows by the ids of the items.

Faults behind these tests: a model for grown data was trained from nothing each day; rows copied by
their place gave an item the vector of another one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from recommender.api import train
from recommender.backbones.create import create
from recommender.model_folder.manifest import read_manifest
from recommender.recipes.recipe import make_recipe
from recommender.warm.start import Start, inherited
from store.errors import UserError
from store.store import open_store

QUICK = {"steps": 4, "evaluate_every": 2}


def test_weights_follow_the_ids_of_items_and_new_ones_start_from_texts(
    shop: Path, trained: Path
) -> None:
    recipe = make_recipe(**inherited(trained, {}))
    start = Start.of(trained, shop, recipe)
    with open_store(shop) as store:
        dataset = store.datasets.load()
    n = dataset.n_items
    assert start.texts is not None
    to_vectors = np.random.default_rng(1).normal(size=(start.texts.shape[1], start.model.d))
    with torch.no_grad():  # vectors that say what the texts say, as those of a good model do
        start.model.items[1 : n + 1] = torch.from_numpy(start.texts @ to_vectors).float()
    order = np.random.default_rng(0).permutation(n)
    names = [dataset.item_ids[row] for row in order]
    names[3], names[7] = "new with text", "new without"
    texts = start.texts[order]
    texts[7] = 0
    other = replace(dataset, item_ids=names)
    fresh = create(recipe.backbone, n, seed=9, **recipe.model)
    started = replace(start, texts=texts).into(fresh, other)
    old = start.model
    rows, was = fresh.items.detach(), old.items.detach()
    kept = [place for place in range(n) if place not in (3, 7)]
    assert torch.equal(rows[np.array(kept) + 1], was[order[kept] + 1])
    assert torch.allclose(rows[8], was[1 : n + 1].mean(0), atol=1e-6)
    # the tower puts it nearer to where the item with these texts was than the mean is
    truth = was[order[3] + 1]
    assert (rows[4] - truth).norm() < (was[1 : n + 1].mean(0) - truth).norm()
    assert (started.items_kept, started.items_new, started.items_gone) == (n - 2, 2, 2)
    assert started.from_text == 1
    for name, weight in fresh.named_parameters():
        if name != "items":
            assert torch.equal(weight, dict(old.named_parameters())[name])


def test_training_goes_on_with_the_settings_and_records_from_what(
    shop: Path, trained: Path, tmp_path: Path
) -> None:
    result = train(shop, tmp_path / "on", start_from=trained, training=QUICK, progress=False)
    before, after = read_manifest(trained), read_manifest(tmp_path / "on")
    assert (after.backbone, after.config) == (before.backbone, before.config)
    assert after.training["align"] == before.training["align"]
    assert after.training["training"]["steps"] == QUICK["steps"]
    assert after.training["start"]["configuration_digest"] == before.configuration_digest
    assert after.training["start"]["items_new"] == 0
    assert result.started is not None
    card = (tmp_path / "on" / "README.md").read_text("utf-8")
    assert before.configuration_digest in card
    assert str(trained) not in card
    # four steps from nothing are far from what sixty had reached
    cold = train(shop, training=QUICK, model={"length": 12}, progress=False)
    metric = next(iter(cold.fit.metrics))
    assert result.fit.metrics[metric] > cold.fit.metrics[metric]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "sasrec"}, "cannot start a sasrec"),
        ({"model": {"d": 32}}, "only item vectors grow"),
    ],
)
def test_another_model_or_size_is_refused_in_words(
    shop: Path, trained: Path, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        train(shop, start_from=trained, progress=False, **settings)


def test_a_model_that_is_computed_is_refused(shop: Path, tmp_path: Path) -> None:
    train(shop, tmp_path / "pop", backbone="pop", progress=False)
    with pytest.raises(UserError, match="nothing to go on from"):
        train(shop, start_from=tmp_path / "pop", progress=False)
