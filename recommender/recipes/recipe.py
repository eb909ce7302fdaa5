"""What a training run is made of: one checked configuration, with defaults that suit each model.

Models of the ComiRec family train on one random target per user, as their authors do; sequence
models train on all positions against all items, because fewer targets starve them and a weak
baseline is a false result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from recommender.backbones.base import backbone_class
from recommender.base.config_checks import checked
from store.errors import UserError

if TYPE_CHECKING:
    from recommender.data.semantics import Semantics
    from recommender.losses.recommendation import Loss
    from recommender.objectives.base import Objective
    from recommender.objectives.eimf import EIMF
    from store.store import Store

ALIGNMENTS = ("eimf", "ldmi")
MANY_ITEMS = 100_000
"""With more items than this the default is the sampled softmax: all scores would not fit."""


class Recipe(BaseModel):
    """A training run.

    Attributes
    ----------
    backbone, model
        Name of the model and its settings (d, k, length, …).
    loss, loss_settings
        Name and settings of the loss; None takes the model's own.
    routing
        Weight of REMI's routing regularisation; None: 100 for remi, otherwise 0.
    align, crowd
        Alignments (eimf, ldmi) and the crowd loss.
    eimf, ldmi, crowd_settings
        Their settings.
    interests
        Whose interests are a user's: its exemplar's, or those of the catalogue.
    text_start
        Start the item table from item-text vectors.
    training
        Settings of the loop: epochs, steps, batch_size, learning_rate, seed, …
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str = "remi"
    model: dict[str, Any] = Field(default_factory=dict)
    loss: str | None = None
    loss_settings: dict[str, Any] = Field(default_factory=dict)
    routing: float | None = Field(None, ge=0)
    align: tuple[str, ...] = ("eimf",)
    crowd: bool = False
    eimf: dict[str, Any] = Field(default_factory=dict)
    ldmi: dict[str, Any] = Field(default_factory=dict)
    crowd_settings: dict[str, Any] = Field(default_factory=dict)
    interests: Literal["exemplar", "catalogue"] = "exemplar"
    text_start: bool = False
    training: dict[str, Any] = Field(default_factory=dict)

    @field_validator("align", mode="before")
    @classmethod
    def _as_on_the_command_line(cls, names: Any) -> Any:
        """``"eimf,ldmi"`` and ``"none"`` are taken as in ``--align``."""
        if not isinstance(names, str):
            return names
        return () if names in ("none", "") else tuple(one.strip() for one in names.split(","))

    @field_validator("align")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for place, name in enumerate(names):
            if name not in ALIGNMENTS:
                raise ValueError(
                    f"no alignment {name!r}; write none, or {' and '.join(ALIGNMENTS)} joined by a "
                    "comma"
                )
            if name in names[:place]:
                raise ValueError(f"{name} stands there twice")
        return names

    @property
    def needs_interests(self) -> bool:
        """Whether anything in it reads the store's interests."""
        return bool(self.align) or self.crowd

    @property
    def name(self) -> str:
        """Short name in tables, such as ``sasrec+eimf+crowd``."""
        parts = [self.backbone, *self.align]
        return "+".join(parts + ["crowd"] * self.crowd + ["text"] * self.text_start)


def make_recipe(**settings: Any) -> Recipe:
    """Check settings.

    Raises
    ------
    UserError
        Naming the setting, its value and what it may be.
    """
    recipe = checked(Recipe, settings, "train")
    backbone_class(recipe.backbone)
    if recipe.backbone == "pop" and (recipe.crowd or recipe.text_start or "ldmi" in recipe.align):
        raise UserError("pop only counts; leave out ldmi, the crowd loss and the start from texts")
    if recipe.backbone == "pop" and recipe.needs_interests:
        return recipe.model_copy(update={"align": (), "crowd": False})
    return recipe


def training_settings(recipe: Recipe) -> dict[str, Any]:
    """Loop settings: the model's defaults, overridden by what was asked for.

    Models with one target per user see few targets in an epoch, so they are evaluated by steps.
    """
    by_steps = {"epochs": 100_000, "steps": 30_000, "evaluate_every": 500, "patience": 12}
    by_epochs = {"epochs": 200, "patience": 20}
    own = by_steps if backbone_class(recipe.backbone).trains_on == "one" else by_epochs
    asked = {name: value for name, value in recipe.training.items() if value is not None}
    if "epochs" in asked:  # an explicit number of epochs is not cut short by the default steps
        own = {name: value for name, value in own.items() if name != "steps"}
    return {**own, **asked}


def make_loss(recipe: Recipe, n_items: int) -> Loss:
    """The loss a recipe names, or the model's own.

    REMI has its interest-aware negatives; the ComiRec family the sampled softmax; sequence models
    the softmax over all items; facet reads out softly. EIMF leaves the model's own loss in place.
    The paper's L_R, all items with the target-aware read-out, is ``loss="full"`` with ``readout``
    set to ``attention``; not the default, because it trains all interests alike: on the sample shop
    their mean cosine came to .999, with the hard read-out to .80.
    """
    from recommender.losses.recommendation import create_loss

    many = n_items > MANY_ITEMS
    settings: dict[str, Any] = {}
    if recipe.backbone == "remi":
        name = "interest-aware"
    elif recipe.backbone == "facet":
        name, settings = "sampled" if many else "full", {"readout": "soft"}
    elif backbone_class(recipe.backbone).trains_on == "one":
        name = "sampled"
    else:
        name = "sampled" if many else "full"
    chosen = recipe.loss or name
    if chosen != name:
        settings = {key: value for key, value in settings.items() if key == "readout"}
    return create_loss(chosen, **{**settings, **recipe.loss_settings})


def make_objectives(
    recipe: Recipe, d: int, semantics: Semantics | None
) -> tuple[list[Objective], EIMF | None]:
    """The auxiliary losses of a recipe, and EIMF's among them (its projection explains).

    Raises
    ------
    UserError
        For a setting that an alignment does not have.
    """
    from recommender.objectives.base import RoutingRegularisation

    found: list[Objective] = []
    eimf: EIMF | None = None
    routing = (
        (100.0 if recipe.backbone == "remi" else 0.0) if recipe.routing is None else recipe.routing
    )
    if routing > 0:
        found.append(RoutingRegularisation(routing))
    if semantics is None:
        return found, None
    if "eimf" in recipe.align:
        from recommender.objectives.eimf import EIMF, EIMFConfig

        eimf = EIMF(semantics, d, checked(EIMFConfig, recipe.eimf, "eimf"))
        found.append(eimf)
    if "ldmi" in recipe.align:
        from recommender.objectives.ldmi import LDMI, LDMIConfig

        found.append(LDMI(semantics, d, checked(LDMIConfig, recipe.ldmi, "ldmi")))
    if recipe.crowd:
        from recommender.objectives.crowd import Crowd, CrowdConfig

        usual = {"negatives": "groups"} if semantics.n_items > MANY_ITEMS else {}
        settings = checked(CrowdConfig, usual | recipe.crowd_settings, "crowd")
        found.append(Crowd(semantics, settings))
    return found, eimf


def read_for(store: Store, recipe: Recipe) -> Semantics | None:
    """What a recipe reads of a store's interests; None where it asks for none of them.

    The crowd loss alone needs groups of items and nobody's own interests.

    Raises
    ------
    StoreError
        Where the store lacks them.
    """
    from recommender.data.semantics import read_semantics

    if not recipe.needs_interests:
        return None
    return read_semantics(store, recipe.interests, of_users=bool(recipe.align))


def check_parts(recipe: Recipe, n_items: int) -> None:
    """Check the settings of every part of a recipe, as training will.

    Raises
    ------
    UserError
        Naming the part, the setting, its value and what it may be.
    """
    from recommender.backbones.base import create
    from recommender.evaluation.metrics import parse_metric
    from recommender.evaluation.validation import LAST
    from recommender.objectives.base import RoutingRegularisation
    from recommender.objectives.crowd import CrowdConfig
    from recommender.objectives.eimf import EIMFConfig
    from recommender.objectives.ldmi import LDMIConfig
    from recommender.training.settings import Settings

    model = create(recipe.backbone, 2, **recipe.model)
    loss = make_loss(recipe, n_items)
    checked(EIMFConfig, recipe.eimf, "eimf")
    checked(LDMIConfig, recipe.ldmi, "ldmi")
    checked(CrowdConfig, recipe.crowd_settings, "crowd")
    settings = checked(Settings, training_settings(recipe), "training")
    if settings.monitor != LAST:
        parse_metric(settings.monitor)
    if settings.consistency > 0:
        loss.check_agreement(settings.consistency)
    if recipe.routing:
        RoutingRegularisation.check(model)
