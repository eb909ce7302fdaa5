"""What a recipe turns into, and what it refuses."""

from __future__ import annotations

import pytest

from recommender import recipes
from recommender.losses import FullSoftmax, InterestAware, SampledSoftmax
from recommender.semantics import Semantics
from store.errors import UserError


@pytest.mark.parametrize(
    ("backbone", "loss", "readout"),
    [
        ("remi", InterestAware, "hard"),
        ("comirec_sa", SampledSoftmax, "hard"),
        ("sasrec", FullSoftmax, "hard"),
        ("facet", FullSoftmax, "soft"),
    ],
)
def test_each_model_has_its_own_loss_with_or_without_alignment(
    backbone: str, loss: type, readout: str
) -> None:
    for align in ((), ("eimf",)):
        made = recipes.make_loss(recipes.make_recipe(backbone=backbone, align=align), 100)
        assert type(made) is loss
        assert made.readout == readout


def test_many_items_take_the_sampled_softmax() -> None:
    recipe = recipes.make_recipe(backbone="sasrec", align=())
    assert type(recipes.make_loss(recipe, recipes.MANY_ITEMS + 1)) is SampledSoftmax


def test_what_was_asked_for_wins() -> None:
    paper = recipes.make_recipe(loss="full", loss_settings={"readout": "attention"})
    made = recipes.make_loss(paper, 100)
    assert type(made) is FullSoftmax
    assert made.readout == "attention"
    facet = recipes.make_recipe(backbone="facet", align=(), loss="sampled")
    assert recipes.make_loss(facet, 100).readout == "soft"
    assert recipes.training_settings(recipes.make_recipe(training={"epochs": 3})) == {
        "epochs": 3,
        "evaluate_every": 500,
        "patience": 12,
    }


def test_objectives_of_a_recipe(semantics: Semantics) -> None:
    def names(**settings: object) -> list[str]:
        made, _ = recipes.make_objectives(recipes.make_recipe(**settings), 16, semantics)
        return [type(objective).__name__ for objective in made]

    assert names() == ["RoutingRegularisation", "EIMF"]
    assert names(routing=0, align=("eimf", "ldmi"), crowd=True) == ["EIMF", "LDMI", "Crowd"]
    assert names(backbone="sasrec", align=()) == []


def test_names_and_specs_are_each_other() -> None:
    for spec in ("pop", "remi", "remi+eimf", "sasrec+eimf+ldmi+crowd+text"):
        assert recipes.make_recipe(**recipes.parse_spec(spec)).name == spec


def test_a_model_of_a_comparison_has_settings_of_its_own() -> None:
    own = recipes.parse_spec("remi+eimf:eimf.predict=false,interests=catalogue,training.steps=7")
    common = {"interests": "exemplar", "training": {"steps": 5, "patience": 2}, "model": {"d": 8}}
    recipe = recipes.make_recipe(**recipes.merge_settings(common, own))
    assert recipe.interests == "catalogue"
    assert recipe.eimf == {"predict": False}
    assert recipe.training == {"steps": 7, "patience": 2}
    assert recipe.model == {"d": 8}
    assert recipe.align == ("eimf",)
    with pytest.raises(UserError, match=r"predict: write PART\.NAME=VALUE"):
        recipes.parse_spec("remi+eimf:predict=false")


def test_a_model_of_a_comparison_has_a_loss_of_its_own() -> None:
    own = recipes.parse_spec("sasrec:loss=sampled,loss.negatives=7")
    common = {"loss": "gbce", "loss_settings": {"negatives": 5}}
    loss = recipes.make_loss(recipes.make_recipe(**recipes.merge_settings(common, own)), 50)
    assert isinstance(loss, SampledSoftmax)
    assert loss.negatives == 7
    with pytest.raises(UserError, match="no loss 'none'"):
        recipes.check_parts(recipes.make_recipe(**recipes.parse_spec("sasrec:loss=none")), 50)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sasrec:training.consistency=1,loss=sampled", "compares scores of all items"),
        ("sasrec:routing=3", "needs attention over the history.*'sasrec'"),
        ("remi:eimf.gama=1", "gama"),
    ],
)
def test_what_training_would_refuse_is_refused_before(spec: str, message: str) -> None:
    recipes.check_parts(
        recipes.make_recipe(**recipes.parse_spec("facet:training.consistency=1")), 50
    )
    with pytest.raises(UserError, match=message):
        recipes.check_parts(recipes.make_recipe(**recipes.parse_spec(spec)), 50)


def test_flags_stand_over_settings_and_absent_ones_leave_them() -> None:
    parts = {"model": {"k": 2}, "training": {"steps": 9, "patience": 3, "average": 0.9}}
    joined = recipes.join_training(parts, steps=5, patience=None, epochs=None)
    assert joined["model"] == {"k": 2}
    assert joined["training"] == {"steps": 5, "patience": 3, "average": 0.9}
    assert recipes.join_training({}, steps=None) == {"training": {}}


def test_popularity_takes_no_alignment() -> None:
    assert not recipes.make_recipe(backbone="pop").needs_interests


def test_options_are_read_as_json_where_they_can_be() -> None:
    found = recipes.split_settings(["model.k=8", "ldmi.assignment=sinkhorn", "training.bf16=true"])
    assert found == {
        "model": {"k": 8},
        "ldmi": {"assignment": "sinkhorn"},
        "training": {"bf16": True},
    }
    assert recipes.parse_align("eimf, ldmi") == ("eimf", "ldmi")
    assert recipes.parse_align("none") == ()


@pytest.mark.parametrize(
    ("pair", "message"), [("k=8", "write PART.NAME=VALUE"), ("model.k", "write NAME=VALUE")]
)
def test_options_without_part_or_value_are_refused(pair: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        recipes.split_settings([pair])
