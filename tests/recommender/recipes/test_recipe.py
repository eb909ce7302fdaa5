"""What a recipe turns into, and what it refuses."""

from __future__ import annotations

import pytest

from recommender.data.semantics import Semantics
from recommender.losses.recommendation import FullSoftmax, InterestAware, SampledSoftmax
from recommender.recipes import recipe as recipes
from recommender.recipes import specs
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


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sasrec:training.consistency=1,loss=sampled", "compares scores of all items"),
        ("sasrec:routing=3", "needs attention over the history.*'sasrec'"),
        ("remi:eimf.gama=1", "gama"),
    ],
)
def test_what_training_would_refuse_is_refused_before(spec: str, message: str) -> None:
    recipes.check_parts(recipes.make_recipe(**specs.parse_spec("facet:training.consistency=1")), 50)
    with pytest.raises(UserError, match=message):
        recipes.check_parts(recipes.make_recipe(**specs.parse_spec(spec)), 50)


def test_popularity_takes_no_alignment() -> None:
    assert not recipes.make_recipe(backbone="pop").needs_interests


def test_alignments_are_named_in_a_list_or_as_on_the_command_line() -> None:
    assert recipes.make_recipe(align="eimf, ldmi") == recipes.make_recipe(align=("eimf", "ldmi"))
    assert recipes.make_recipe(align="none").align == ()
    for wrong, said in (("none,eimf", "write none, or"), ("eimf,eimf", "twice"), ("emif", "emif")):
        with pytest.raises(UserError, match=said):
            recipes.make_recipe(align=wrong)
