"""Distillation of a language model's rankings into a recommender (ALKDRec, arXiv 2502.15685).

For an item v that the model ranks for a history, and one item j drawn evenly, the loss is
``-w_v log sigmoid(s_v - s_j)``, with the weight 3 for ranks 1 to 5, 2 for 6 to 15 and 1 after them
(section 4.4; the authors repeat samples in place of weighting them). A drawn item that is ranked
for the same history counts nothing (our choice).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.base.config_checks import checked
from recommender.data.rankings import Rankings, padded
from recommender.data.sequences import Batch
from recommender.objectives.base import Material, Objective, ObjectiveConfig

WEIGHTS = ((5, 3.0), (15, 2.0))
"""Weight of the ranks up to each of these; 1 after them."""


def learning(source: str | None = None) -> dict[str, Any]:
    """Settings of a recipe by which a trained model learns rankings and nothing else.

    The model is measured before the first step: it stays as it is where nothing later is better.

    Parameters
    ----------
    source
        Who ranked; None where only one did.
    """
    own = {"alone": True} | ({} if source is None else {"source": source})
    training = {"epochs": 100_000, "steps": 500, "evaluate_every": 25, "patience": 10}
    return {
        "objectives": (Distil.name,),
        "objective_settings": {Distil.name: own},
        "training": training | {"evaluate_first": True},
    }


class DistilConfig(ObjectiveConfig):
    """Settings.

    Attributes
    ----------
    weight
        Beside the recommendation loss.
    alone
        Train on the rankings and on nothing else, as published, which suits a trained model.
    cases
        Of one step; 40 cases of 25 items are the paper's batch of 1,024.
    source
        Who ranked; ``teacher`` is the teacher's own order, the control. None: the only one.
    nomination
        Number of the nomination; None takes the newest.
    forced
        Take rankings whose target was put among the candidates, too.
    """

    weight: float = Field(1.0, ge=0)
    alone: bool = False
    cases: int = Field(40, ge=1)
    source: str | None = None
    nomination: int | None = Field(None, ge=1)
    forced: bool = False


class Distil(Objective):
    """Ranked items before others, by how high they are ranked.

    Parameters
    ----------
    rankings : Rankings
        What is learned.
    length : int
        Items of a history that the model reads.
    config : DistilConfig
    """

    name = "distil"
    Config = DistilConfig
    reads_rankings = True

    histories: Tensor
    items: Tensor
    weights: Tensor

    def __init__(self, rankings: Rankings, length: int, config: DistilConfig | None = None) -> None:
        super().__init__()
        self.config = config or DistilConfig()
        self.replaces_loss = self.config.alone
        width = max(len(one) for one in rankings.items)
        for name, value in (
            ("histories", padded(rankings.histories, length)),
            ("items", padded(rankings.items, width)),
            ("weights", rank_weights(width)),
        ):
            self.register_buffer(name, value, persistent=False)

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self:
        """Of the rankings that were read."""
        config = checked(DistilConfig, settings, cls.name)
        return cls(material.read_rankings, material.model.length, config)

    @classmethod
    def trained_alone(cls, settings: Mapping[str, Any]) -> bool:
        """Whether nothing else is trained."""
        return bool(settings.get("alone", False))

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The term ``distil``, on cases drawn anew in each step."""
        device = self.items.device
        rows = torch.randperm(len(self.items), device=device)[: self.config.cases]
        history, items = self.histories[rows], self.items[rows]
        negatives = torch.randint(1, model.n_items + 1, items.shape, device=device)
        taken, ranked, others = model.lookup(history, items, negatives)
        interests = model.encode(history, taken).interests
        apart = best_scores(model, interests, ranked) - best_scores(model, interests, others)
        ranked_too = (negatives[:, :, None] == items[:, None, :]).any(2)
        weights = self.weights * ((items > 0) & ~ranked_too)
        loss = -(weights * F.logsigmoid(apart.float())).sum() / weights.sum().clamp(min=1)
        return {"distil": self.config.weight * loss}


def best_scores(model: Backbone, interests: Tensor, vectors: Tensor) -> Tensor:
    """Scores of each row's own items under its best interest, ``[B, n]``.

    Parameters
    ----------
    model
        Which compares interests with its item vectors.
    interests
        ``[B, K, d]``.
    vectors
        ``[B, n, d]``, rows of the item table.
    """
    return torch.einsum("bkd,bnd->bkn", interests, model.scored(vectors)).amax(1)


def rank_weights(n: int) -> Tensor:
    """Weights of the ranks 1 to n, float32 ``[n]``."""
    weights = torch.ones(n)
    for last, weight in reversed(WEIGHTS):
        weights[:last] = weight
    return weights
