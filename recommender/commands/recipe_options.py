"""Options of ``recommender train`` that say which model is made, and from which texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from recommender.backbones.registry import BACKBONES, DEFAULT
from recommender.choices import InterestSource
from recommender.objectives.registry import OBJECTIVES
from store.console.options import given, option

if TYPE_CHECKING:
    from recommender.base.config_checks import SettingValues


@dataclass(frozen=True)
class RecipeOptions:
    """The model and its losses."""

    HEADING: ClassVar[str] = "Model and losses"

    backbone: Annotated[
        str | None,
        option(
            f"The model: {', '.join(BACKBONES.built_in)}, or one that another package adds.",
            default=DEFAULT,
        ),
    ] = None
    align: Annotated[
        str | None,
        option("Alignment with the interests: eimf, ldmi, eimf,ldmi or none.", default="eimf"),
    ] = None
    objective: Annotated[
        list[str] | None,
        option(
            f"Add an auxiliary loss: {', '.join(OBJECTIVES.built_in)}, or one that another "
            "package adds. May be repeated.",
            metavar="NAME",
        ),
    ] = None
    crowd: Annotated[
        bool, option("Add the contrastive loss on items of one interest.", "--crowd")
    ] = False
    interests: Annotated[
        InterestSource | None,
        option(
            "A user's interests: those of the exemplar, or from the catalogue.",
            default="exemplar",
        ),
    ] = None
    loss: Annotated[
        str | None, option("full, sampled, interest-aware or gbce.", default="by model")
    ] = None

    def settings(self) -> SettingValues:
        """Give the settings of the recipe that these options make."""
        return {
            **given(
                backbone=self.backbone, align=self.align, interests=self.interests, loss=self.loss
            ),
            "objectives": tuple(self.objective or ()),
            "crowd": self.crowd,
        }


@dataclass(frozen=True)
class TextOptions:
    """What the model reads of the items' texts."""

    HEADING: ClassVar[str] = "Texts and new items"

    text_start: Annotated[bool, option("Start item vectors from item texts.", "--text-start")] = (
        False
    )
    text: Annotated[
        str | None,
        option(
            "Texts of items that are read: title, categories, card, next, joined by commas.",
            default="what the build encoded",
        ),
    ] = None
    blend: Annotated[
        bool,
        option(
            "Put the texts beside the trained model; validation users decide how much they count.",
            "--blend",
        ),
    ] = False
    cold: Annotated[
        float | None,
        option(
            "Hide this share of the items from training; new items get vectors from their texts.",
            min=0,
            max=0.9,
        ),
    ] = None

    def settings(self) -> SettingValues:
        """Give the settings of the recipe that these options make."""
        return {
            **given(text=self.text, cold=self.cold),
            "text_start": self.text_start,
            "blend": self.blend,
        }
