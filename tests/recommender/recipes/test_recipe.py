"""What a recipe turns into, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.backbones.create import create
from recommender.data.semantics import Semantics
from recommender.data.sequences import Sequences
from recommender.losses.recommendation import MANY_ITEMS, FullSoftmax, InterestAware, SampledSoftmax
from recommender.objectives.base import Material
from recommender.recipes import parts, specs
from recommender.recipes.recipe import make_recipe
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
        made = parts.make_loss(make_recipe(backbone=backbone, align=align), 100)
        assert type(made) is loss
        assert made.readout == readout


def test_many_items_take_the_sampled_softmax() -> None:
    recipe = make_recipe(backbone="sasrec", align=())
    assert type(parts.make_loss(recipe, MANY_ITEMS + 1)) is SampledSoftmax


def test_what_was_asked_for_wins() -> None:
    paper = make_recipe(loss="full", loss_settings={"readout": "attention"})
    made = parts.make_loss(paper, 100)
    assert type(made) is FullSoftmax
    assert made.readout == "attention"
    facet = make_recipe(backbone="facet", align=(), loss="sampled")
    assert parts.make_loss(facet, 100).readout == "soft"
    assert parts.training_settings(make_recipe(training={"epochs": 3})) == {
        "epochs": 3,
        "evaluate_every": 500,
        "patience": 12,
    }


def test_objectives_of_a_recipe(semantics: Semantics) -> None:
    def names(**settings: object) -> list[str]:
        recipe = make_recipe(**settings)
        sequences = Sequences(12, np.array([0, 3]), np.array([0, 1, 2]), np.zeros(3, np.int8))
        material = Material(create(recipe.backbone, 12, d=16), sequences, semantics)
        made = parts.make_objectives(recipe, material)
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
    parts.check_parts(make_recipe(**specs.parse_spec("facet:training.consistency=1")), 50)
    with pytest.raises(UserError, match=message):
        parts.check_parts(make_recipe(**specs.parse_spec(spec)), 50)


def test_popularity_takes_no_alignment() -> None:
    assert not make_recipe(backbone="pop").needs_interests


def test_alignments_are_named_in_a_list_or_as_on_the_command_line() -> None:
    assert make_recipe(align="eimf, ldmi") == make_recipe(align=("eimf", "ldmi"))
    assert make_recipe(align="none").align == ()
    for wrong, said in (("none,eimf", "write none, or"), ("eimf,eimf", "twice"), ("emif", "emif")):
        with pytest.raises(UserError, match=said):
            make_recipe(align=wrong)
