"""The parts of a training run: loss, objectives and loop settings of a recipe.

Models of the ComiRec family train on one random target per user, as their authors do; sequence
models train on all positions against all items, because fewer targets starve them and a weak
baseline is a false result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recommender.backbones.create import create
from recommender.base.config_checks import SettingValues, checked
from recommender.data.layers import LayerTexts, read_layers
from recommender.data.rankings import Rankings, read_rankings
from recommender.data.semantics import Semantics, read_semantics
from recommender.evaluation.metrics import parse_metric
from recommender.evaluation.validation import LAST
from recommender.losses.recommendation import MANY_ITEMS, Loss, create_loss
from recommender.objectives.base import Material, Objective
from recommender.objectives.distil import Distil, DistilConfig
from recommender.objectives.registry import OBJECTIVES
from recommender.recipes.recipe import Recipe
from recommender.training.settings import Settings
from store.errors import UserError
from store.store import Store

if TYPE_CHECKING:
    from store.data.dataset import Dataset


def training_settings(recipe: Recipe) -> SettingValues:
    """Loop settings: the model's defaults, overridden by what was asked for.

    Models with one target per user see few targets in an epoch, so they are evaluated by steps.
    """
    by_steps = {"epochs": 100_000, "steps": 30_000, "evaluate_every": 500, "patience": 12}
    by_epochs = {"epochs": 200, "patience": 20}
    own = by_steps if recipe.kind.trains_on == "one" else by_epochs
    asked = {name: value for name, value in recipe.training.items() if value is not None}
    if "epochs" in asked:  # an explicit number of epochs is not cut short by the default steps
        own = {name: value for name, value in own.items() if name != "steps"}
    return {**own, **asked}


def make_loss(recipe: Recipe, n_items: int) -> Loss:
    """The loss a recipe names, or the model's own.

    A model that says nothing takes the softmax: over sampled items where it trains on one target
    per user, else over all items, as long as their scores fit. EIMF leaves the model's own loss in
    place. The paper's L_R, all items with the target-aware read-out, is ``loss="full"`` with
    ``readout`` set to ``attention``; not the default, because it trains all interests alike: on the
    sample shop their mean cosine came to .999, with the hard read-out to .80.
    """
    kind = recipe.kind
    sampled = kind.trains_on == "one" or n_items > MANY_ITEMS
    name = recipe.loss or kind.default_loss or ("sampled" if sampled else "full")
    readout = {"readout": kind.default_readout} if kind.default_readout is not None else {}
    return create_loss(name, **{**readout, **recipe.loss_settings})


def make_objectives(recipe: Recipe, material: Material) -> list[Objective]:
    """The auxiliary losses of a recipe.

    Raises
    ------
    UserError
        For a setting that one of them does not have.
    StoreError
        Where the store's interests are not enough for one of them.
    """
    made = (
        OBJECTIVES.get_known(name).make(material, recipe.settings_of(name))
        for name in recipe.active
    )
    return [objective for objective in made if objective is not None]


def read_interests(store: Store, recipe: Recipe) -> Semantics | None:
    """What a recipe reads of a store's interests; None where it asks for none of them.

    The crowd loss alone needs groups of items and nobody's own interests.

    Raises
    ------
    StoreError
        Where the store lacks them.
    """
    reads = {OBJECTIVES.get_known(name).reads for name in recipe.active}
    if reads <= {"nothing", "layers"}:
        return None
    return read_semantics(
        store, recipe.interests, of_users="interests of users" in reads, sources=recipe.text
    )


def read_descriptions(store: Store, recipe: Recipe) -> LayerTexts | None:
    """The descriptions by layer that a recipe reads; None where it asks for none.

    Raises
    ------
    StoreError
        Where the store lacks them.
    """
    if all(OBJECTIVES.get_known(name).reads != "layers" for name in recipe.active):
        return None
    return read_layers(store)


def read_distilled(store: Store, dataset: Dataset, recipe: Recipe) -> Rankings | None:
    """What a recipe reads of a store's rankings; None where it asks for none.

    Raises
    ------
    StoreError
        Where the store lacks them.
    UserError
        Where the recipe hides items.
    """
    if not recipe.needs_rankings:
        return None
    if recipe.cold is not None:
        raise UserError(
            "rankings may hold items that `cold` hides from training; train without one of them"
        )
    config = checked(DistilConfig, recipe.settings_of(Distil.name), Distil.name)
    return read_rankings(
        store,
        dataset,
        source=config.source,
        nomination=config.nomination,
        forced=config.forced,
    )


def check_parts(recipe: Recipe, n_items: int) -> None:
    """Check the settings of every part of a recipe, as training will.

    Raises
    ------
    UserError
        Naming the part, the setting, its value and what it may be.
    """
    model = create(recipe.backbone, 2, **recipe.model)
    loss = make_loss(recipe, n_items)
    for name in {*recipe.active, *recipe.asked_settings}:
        checked(OBJECTIVES.get_known(name).Config, recipe.settings_of(name), name)
    settings = checked(Settings, training_settings(recipe), "training")
    if settings.monitor != LAST:
        parse_metric(settings.monitor)
    if settings.consistency > 0:
        loss.check_agreement(settings.consistency)
    for name in recipe.active:
        OBJECTIVES.get_known(name).check(model)
