"""REMI's routing regularisation (RecSys'23, section 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from pydantic import Field
from torch import Tensor

from recommender.backbones.base import Backbone, Encoded
from recommender.base import distributed
from recommender.base.config_checks import checked
from recommender.data.sequences import Batch
from recommender.objectives.base import Material, Objective, ObjectiveConfig
from store.errors import UserError


class RoutingConfig(ObjectiveConfig):
    """Settings: the paper's lambda; 0 switches it off."""

    weight: float = Field(100.0, ge=0)


class RoutingRegularisation(Objective):
    """REMI's pull of each interest's attention towards flat, away from a single item.

    With C the covariance over positions of the attention rows, divided by d, the term is the sum
    over the batch of ``||diag(C)||²`` (RecSys'23, section 4.3; sum over the batch and division by
    d as in the authors' code).

    Parameters
    ----------
    weight : float
        The paper's lambda; 100 in all of its reported runs.
    """

    name = "routing"
    Config = RoutingConfig

    def __init__(self, weight: float = 100.0) -> None:
        super().__init__()
        self.weight = weight

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self | None:
        """With the configured weight; None at weight 0."""
        weight = checked(RoutingConfig, settings, cls.name).weight
        return cls(weight) if weight > 0 else None

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The term ``routing``.

        Raises
        ------
        UserError
            Where the model gives no attention over the history.
        """
        attention = encoded.attention
        if attention is None:
            raise self._unfit(model)
        # Positions beyond a shortened window count as zeros: the mean runs over config.length.
        total = attention.sum(2)
        variance = (attention.square().sum(2) - total.square() / model.length) / model.d
        # A sum over the whole batch, and gradients are averaged over the processes that share it.
        return {"routing": self.weight * variance.square().sum() * distributed.processes()}

    @classmethod
    def check(cls, model: Backbone) -> None:
        """Refuse a model without attention over the history.

        Raises
        ------
        UserError
            With the model's name.
        """
        history = torch.ones(1, 1, dtype=torch.long)
        with torch.no_grad():
            attention = model.encode(history, model.lookup(history)[0]).attention
        if attention is None:
            raise cls._unfit(model)

    @staticmethod
    def _unfit(model: Backbone) -> UserError:
        return UserError(
            f"routing regularisation needs attention over the history, which backbone "
            f"{model.name!r} does not have; leave it out or train a model that has it"
        )
