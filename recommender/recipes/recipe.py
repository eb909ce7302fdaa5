"""A training run as one checked configuration; what it leaves open, the model decides."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from recommender.backbones.base import Backbone
from recommender.backbones.registry import BACKBONES, DEFAULT
from recommender.base.config_checks import SettingValues, checked
from recommender.data.texts import LAYER, check_sources
from recommender.objectives.registry import OBJECTIVES
from store.errors import UserError

ALIGNMENTS = ("eimf", "ldmi")
"""Objectives that ``align`` names; ``objectives`` takes every one of the registry."""


class Recipe(BaseModel):
    """A training run.

    Attributes
    ----------
    backbone, model
        Name of the model and its settings (d, k, length, …).
    loss, loss_settings
        Name and settings of the loss; None takes the model's own.
    routing
        Weight of the routing regularisation; None: the model's own, 0 for most.
    align, crowd
        Alignments (eimf, ldmi) and the crowd loss.
    objectives
        Further auxiliary losses by name.
    eimf, ldmi, crowd_settings
        Settings of these three.
    objective_settings
        Settings of any other auxiliary loss, by its name.
    interests
        Whose interests are a user's: the exemplar's, or those of the catalogue.
    text_start
        Start the item table from item-text vectors.
    text
        Which texts of items are read: title, categories, card, next. None of them is what the build
        encoded.
    blend
        Put the texts beside the trained model, with a share chosen on the validation users.
    cold
        Share of the items that is hidden from training, drawn by ``training.seed``; they get
        vectors from their texts afterwards, as every item without a training interaction does.
    training
        Settings of the loop: epochs, steps, batch_size, learning_rate, seed, …
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str = DEFAULT
    model: SettingValues = Field(default_factory=dict)
    loss: str | None = None
    loss_settings: SettingValues = Field(default_factory=dict)
    routing: float | None = Field(None, ge=0)
    align: tuple[str, ...] = ("eimf",)
    crowd: bool = False
    eimf: SettingValues = Field(default_factory=dict)
    ldmi: SettingValues = Field(default_factory=dict)
    crowd_settings: SettingValues = Field(default_factory=dict)
    interests: Literal["exemplar", "catalogue"] = "exemplar"
    text_start: bool = False
    training: SettingValues = Field(default_factory=dict)
    # Later than 0.1.0: left out of a written recipe where empty, so that its address stays.
    objectives: tuple[str, ...] = Field((), exclude_if=lambda names: not names)
    objective_settings: dict[str, SettingValues] = Field(
        default_factory=dict, exclude_if=lambda settings: not settings
    )

    text: tuple[str, ...] = Field((), exclude_if=lambda names: not names)
    blend: bool = Field(False, exclude_if=lambda on: not on)
    cold: float | None = Field(None, ge=0, lt=1, exclude_if=lambda share: share is None)

    @field_validator("align", "objectives", "text", mode="before")
    @classmethod
    def _as_on_the_command_line(cls, names: Any) -> Any:
        """``"eimf,ldmi"`` and ``"none"`` are taken as in ``--align``."""
        if not isinstance(names, str):
            return names
        return () if names in ("none", "") else tuple(one.strip() for one in names.split(","))

    @field_validator("align")
    @classmethod
    def _known_alignments(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in ALIGNMENTS:
                raise ValueError(
                    f"no alignment {name!r}; write none, or {' and '.join(ALIGNMENTS)} joined by a "
                    "comma"
                )
        return _distinct(names)

    @field_validator("objectives")
    @classmethod
    def _known_objectives(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in OBJECTIVES:
                known = ", ".join(OBJECTIVES)
                raise ValueError(f"no objective {name!r}; there are {known}")
        return _distinct(names)

    @field_validator("text")
    @classmethod
    def _known_sources(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        check_sources(names)
        return names

    @model_validator(mode="after")
    def _hidden_items_stay_hidden(self) -> Recipe:
        """Descriptions by layer were written from the interactions that ``cold`` hides."""
        layers = [name for name in self.text if LAYER.fullmatch(name)]
        layers += [one for one in self.objectives if OBJECTIVES.get_known(one).reads == "layers"]
        if self.cold and layers:
            raise ValueError(
                f"cold={self.cold:g} hides items from training, but {layers[0]} was written from "
                "what users took, these items among it; hide none, or leave it out"
            )
        return self

    @property
    def needs_texts(self) -> bool:
        """Whether anything in it reads the texts of the items."""
        finished = self.blend or self.cold is not None
        return self.text_start or finished or self.kind.reads_text

    @property
    def kind(self) -> type[Backbone]:
        """Class of the backbone."""
        return BACKBONES.get_known(self.backbone)

    @property
    def active(self) -> list[str]:
        """Names of all auxiliary losses, the model's own among them, in the registry's order."""
        named = {*self.align, *self.objectives, *self.kind.default_objectives}
        named |= {"crowd"} if self.crowd else set()
        named |= {"routing"} if self.routing else set()
        return [name for name in OBJECTIVES if name in (self.alone or named)]

    @property
    def alone(self) -> set[str]:
        """Names of the auxiliary losses whose settings leave out all others."""
        asked = self.asked_settings
        return {
            name
            for name in self.objectives
            if OBJECTIVES.get_known(name).trained_alone(asked.get(name, {}))
        }

    def settings_of(self, objective: str) -> SettingValues:
        """Settings of an auxiliary loss: the model's own, overridden by what was asked for."""
        own = dict(self.kind.default_objectives.get(objective, {}))
        if objective == "routing" and self.routing is not None:
            own["weight"] = self.routing
        return own | self.asked_settings.get(objective, {})

    @property
    def asked_settings(self) -> dict[str, SettingValues]:
        """Settings of auxiliary losses as they were asked for, by name."""
        named = {"eimf": self.eimf, "ldmi": self.ldmi, "crowd": self.crowd_settings}
        return {name: value for name, value in named.items() if value} | self.objective_settings

    @property
    def needs_rankings(self) -> bool:
        """Whether anything in it reads the store's rankings of nominated cases."""
        return any(OBJECTIVES.get_known(name).reads_rankings for name in self.active)

    @property
    def needs_interests(self) -> bool:
        """Whether anything in it reads the store's interests."""
        reads = {OBJECTIVES.get_known(name).reads for name in self.active}
        return not reads <= {"nothing", "layers"}

    @property
    def name(self) -> str:
        """Short name in tables, such as ``sasrec+eimf+crowd``."""
        parts = [self.backbone, *self.align, *self.objectives]
        ends = ["crowd"] * self.crowd + ["text"] * self.text_start + ["blend"] * self.blend
        return "+".join(parts + ends)


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValueError(f"{name} stands there twice")
    return names


def make_recipe(**settings: Any) -> Recipe:
    """Check settings.

    The default alignment is left out for a model that is computed and not trained.

    Raises
    ------
    UserError
        Naming the setting, its value and what it may be.
    """
    recipe = checked(Recipe, settings, "train")
    if recipe.kind.trains_on != "none":
        return recipe
    usual = Recipe.model_fields["align"].default
    extra = [*(name for name in recipe.align if name not in usual), *recipe.objectives]
    extra += ["crowd"] * recipe.crowd + ["text_start"] * recipe.text_start
    if extra:
        raise UserError(
            f"{recipe.backbone} is computed from the histories, without training steps; leave out "
            f"{', '.join(extra)}"
        )
    return recipe.model_copy(update={"align": ()}) if recipe.align else recipe
