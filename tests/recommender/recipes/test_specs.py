"""Settings as they are typed: what they are read into, and what is refused."""

from __future__ import annotations

import pytest

from recommender.losses.recommendation import SampledSoftmax
from recommender.recipes import parts, specs
from recommender.recipes.recipe import make_recipe
from store.errors import UserError


def test_names_and_specs_are_each_other() -> None:
    for spec in ("pop", "remi", "remi+eimf", "sasrec+eimf+ldmi+crowd+text"):
        assert make_recipe(**specs.parse_spec(spec)).name == spec


def test_a_model_of_a_comparison_has_settings_of_its_own() -> None:
    own = specs.parse_spec("remi+eimf:eimf.predict=false,interests=catalogue,training.steps=7")
    common = {"interests": "exemplar", "training": {"steps": 5, "patience": 2}, "model": {"d": 8}}
    recipe = make_recipe(**specs.merge_settings(common, own))
    assert recipe.interests == "catalogue"
    assert recipe.eimf == {"predict": False}
    assert recipe.training == {"steps": 7, "patience": 2}
    assert recipe.model == {"d": 8}
    assert recipe.align == ("eimf",)
    with pytest.raises(UserError, match=r"predict: write PART\.NAME=VALUE"):
        specs.parse_spec("remi+eimf:predict=false")


def test_a_model_of_a_comparison_has_a_loss_of_its_own() -> None:
    own = specs.parse_spec("sasrec:loss=sampled,loss.negatives=7")
    common = {"loss": "gbce", "loss_settings": {"negatives": 5}}
    loss = parts.make_loss(make_recipe(**specs.merge_settings(common, own)), 50)
    assert isinstance(loss, SampledSoftmax)
    assert loss.negatives == 7
    with pytest.raises(UserError, match="no loss 'none'"):
        parts.check_parts(make_recipe(**specs.parse_spec("sasrec:loss=none")), 50)


def test_flags_stand_over_settings_and_absent_ones_leave_them() -> None:
    parts = {"model": {"k": 2}, "training": {"steps": 9, "patience": 3, "average": 0.9}}
    joined = specs.join_training(parts, steps=5, patience=None, epochs=None)
    assert joined["model"] == {"k": 2}
    assert joined["training"] == {"steps": 5, "patience": 3, "average": 0.9}
    assert specs.join_training({}, steps=None) == {"training": {}}


def test_options_are_read_as_json_where_they_can_be() -> None:
    found = specs.split_settings(["model.k=8", "ldmi.assignment=sinkhorn", "training.bf16=true"])
    assert found == {
        "model": {"k": 8},
        "ldmi": {"assignment": "sinkhorn"},
        "training": {"bf16": True},
    }
    own = specs.split_settings(["routing.weight=3", "crowd.pairs=4"])
    assert own == {"objective_settings": {"routing": {"weight": 3}}, "crowd_settings": {"pairs": 4}}


@pytest.mark.parametrize(
    ("pair", "message"), [("k=8", "write PART.NAME=VALUE"), ("model.k", "write NAME=VALUE")]
)
def test_options_without_part_or_value_are_refused(pair: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        specs.split_settings([pair])
