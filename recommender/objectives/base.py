"""Terms added to the recommendation loss: what every one of them offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from recommender.backbones.base import Backbone, Encoded
from recommender.base.config_checks import checked
from recommender.data.layers import LayerTexts
from recommender.data.rankings import Rankings
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch, Sequences

__all__ = ["Material", "Objective", "ObjectiveConfig"]

Reads = Literal["nothing", "interests", "interests of users", "layers"]


class ObjectiveConfig(BaseModel):
    """Settings of an objective; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Material:
    """What an objective may be made of.

    Attributes
    ----------
    model : Backbone
        The model it is trained with.
    sequences : Sequences
        The training histories.
    semantics : Semantics or None
        The store's interests, where the objective reads them.
    rankings : Rankings or None
        What was ranked after training histories, where the objective reads it.
    layers : LayerTexts or None
        The store's descriptions by layer, where the objective reads them.
    """

    model: Backbone
    sequences: Sequences
    semantics: Semantics | None
    rankings: Rankings | None = None
    layers: LayerTexts | None = None

    @property
    def interests(self) -> Semantics:
        """The store's interests.

        Raises
        ------
        ValueError
            Where an objective asks for them that does not say so in ``reads``.
        """
        if self.semantics is None:
            raise ValueError("an objective that needs interests says so in its class's `reads`")
        return self.semantics

    @property
    def read_rankings(self) -> Rankings:
        """What was ranked after training histories.

        Raises
        ------
        ValueError
            Where an objective asks for it that does not say so in ``reads_rankings``.
        """
        if self.rankings is None:
            raise ValueError("an objective that needs rankings says so by `reads_rankings`")
        return self.rankings

    @property
    def descriptions(self) -> LayerTexts:
        """The store's descriptions by layer.

        Raises
        ------
        ValueError
            Where an objective asks for them that does not say so in ``reads``.
        """
        if self.layers is None:
            raise ValueError("an objective that needs layers says so in its class's `reads`")
        return self.layers


class Objective(nn.Module, ABC):
    """An auxiliary loss, used in training only.

    The loop calls it in every step with the model, the batch and what the model made of it, adds
    the terms to the loss, joins :meth:`parameters` to the optimiser and saves its state with the
    checkpoint, never with the model: serving does not need it. In a batch of all positions
    ``batch.target`` and ``encoded.interests`` belong to the last position. Random choices take
    torch's global generator, so that a resumed run repeats them.

    Attributes
    ----------
    name : str
        What the objective is called in recipes and commands.
    Config : type
        Its settings.
    reads : str
        What it needs of the store: interests, of which ``interests of users`` asks for users that
        have some, or descriptions by layer.
    reads_rankings : bool
        Whether it needs the store's rankings of nominated cases.
    replaces_loss : bool
        Whether the recommendation loss is left out while it is trained.
    """

    name: ClassVar[str]
    Config: ClassVar[type[BaseModel]] = ObjectiveConfig
    reads: ClassVar[Reads] = "nothing"
    reads_rankings: ClassVar[bool] = False
    replaces_loss: bool = False

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self | None:
        """The objective of a training run; None where its settings switch it off.

        This one is for an objective that needs neither material nor settings.

        Parameters
        ----------
        material : Material
        settings : mapping
            As a recipe gives them, to be checked by ``Config``.

        Raises
        ------
        UserError
            For a setting that does not exist, or one out of range.
        """
        checked(cls.Config, settings, cls.name)
        return cls()

    @classmethod
    def trained_alone(cls, settings: Mapping[str, Any]) -> bool:
        """Whether these settings leave out every other auxiliary loss; most leave out none."""
        return False

    @classmethod
    def check(cls, model: Backbone) -> None:
        """Refuse a model that the objective cannot be trained with; most take any.

        Raises
        ------
        UserError
            With the model's name.
        """

    @abstractmethod
    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """Named scalar terms, already weighted."""

    def interest_vectors(self) -> Tensor | None:
        """Semantic interests in the space of the behavioural ones, ``[n, d]``, if it learns it."""
        return None
