"""Options of ``recommender train`` that say which model is made, and from which texts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from recommender.backbones.registry import BACKBONES, DEFAULT
from recommender.choices import InterestSource
from recommender.objectives.registry import OBJECTIVES
from store.console.options import given, option
from store.errors import UserError

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
class DistilOptions:
    """Training a trained model on, with what a language model ranked."""

    HEADING: ClassVar[str] = "Distillation"

    distil: Annotated[
        Path | None,
        option(
            "Folder of a trained model that learns the stored rankings; its settings are kept.",
            metavar="MODEL",
        ),
    ] = None
    rankings: Annotated[
        str | None,
        option(
            "Whose rankings: PROVIDER:MODEL, offline, or teacher for the teacher's own order.",
            default="the only ones",
        ),
    ] = None

    def begins(self, start_from: Path | None) -> Path | None:
        """Give the folder of the model that the training goes on from.

        Raises
        ------
        UserError
            Two are named.
        """
        if self.distil is not None and start_from is not None:
            raise UserError("--distil MODEL goes on from that model; leave out --from")
        return self.distil or start_from

    def over(self, values: SettingValues) -> SettingValues:
        """Give the settings of a recipe that learns rankings; ``values`` go before its usual ones.

        Raises
        ------
        UserError
            Rankings are named, and no model that is to learn them.
        """
        if self.distil is None:
            if self.rankings is not None:
                raise UserError("--rankings says what --distil MODEL learns; give both")
            return values
        from recommender.objectives.distil import learning
        from recommender.recipes.specs import merge_settings

        usual = learning(self.rankings)
        names = dict.fromkeys([*values["objectives"], *usual["objectives"]])
        return merge_settings(usual, values) | {"objectives": tuple(names)}


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
            "Texts of items that are read: title, categories, card, next, layer1, layer2, … joined "
            "by commas.",
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
