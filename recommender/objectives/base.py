"""Terms added to the recommendation loss: their contract, and REMI's routing regularisation."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from recommender.backbones.base import Backbone, Encoded
from recommender.base import distributed
from recommender.data.sequences import Batch
from store.errors import UserError


class Objective(nn.Module, ABC):
    """An auxiliary loss, used in training only.

    The loop calls it in every step with the model, the batch and what the model made of it, adds
    the terms to the loss, joins :meth:`parameters` to the optimiser and saves its state with the
    checkpoint, never with the model: serving does not need it. In a batch of all positions
    ``batch.target`` and ``encoded.interests`` belong to the last position. Random choices take
    torch's global generator, so that a resumed run repeats them.
    """

    @abstractmethod
    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """Named scalar terms, already weighted."""


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

    def __init__(self, weight: float = 100.0) -> None:
        super().__init__()
        self.weight = weight

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
            f"{model.name!r} does not have; leave it out or train remi or comirec_sa"
        )
