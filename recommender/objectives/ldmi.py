"""LDMI's individual level: semantic clusters assigned to behavioural interests (arXiv 2507.10917).

The paper's text was not to be had; only its abstract fixes what is done: the clusters that an LLM
makes of a user's items are assigned, adaptively, to the K interests learned from interactions, so
that their granularity is decided by behaviour. Everything below is our reading of that sentence
(the fact sheet's section A.3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.base.config_checks import checked
from recommender.data.groups import Groups
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch
from recommender.kernels.softmax import mean_logsumexp
from recommender.losses.recommendation import read_out
from recommender.objectives.base import Material, Objective, ObjectiveConfig

Assignment = Literal["softmax", "sinkhorn", "straight-through"]


class LDMIConfig(ObjectiveConfig):
    """Settings.

    Attributes
    ----------
    weight : float
        Weight of the loss on adapted interests.
    couple : float
        Weight of the item-level alignment; only for models with attention over the history that
        train on one target per user (remi, comirec_sa, comirec_dr, mind, sine).
    gamma : float
        How far an interest is pulled to its clusters.
    tau : float
        Temperature of the assignment, on cosines.
    assignment
        ``softmax`` over interests; ``sinkhorn``: uniform marginals, so that clusters do not all
        land on one interest; ``straight-through``: the best interest alone, gradient of softmax.
    dropout : float
        Share of users whose clusters are hidden in a step, so that users without any work as well.
    """

    weight: float = Field(0.1, ge=0)
    couple: float = Field(0.01, ge=0)
    gamma: float = Field(0.5, ge=0)
    tau: float = Field(0.1, gt=0)
    assignment: Assignment = "softmax"
    dropout: float = Field(0.25, ge=0, lt=1)


class LDMI(Objective):
    """Clusters of a user's semantic interests merged into, and pulling at, their interests.

    Parameters
    ----------
    semantics : Semantics
    d : int
        Width of the model.
    config : LDMIConfig
    """

    name = "ldmi"
    Config = LDMIConfig
    reads = "interests of users"

    user_rows: Tensor

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self:
        """Of the store's interests, at the model's width."""
        config = checked(LDMIConfig, settings, cls.name)
        return cls(material.interests, material.model.d, config)

    def __init__(self, semantics: Semantics, d: int, config: LDMIConfig | None = None) -> None:
        super().__init__()
        self.config = config or LDMIConfig()
        self.groups = Groups(semantics)
        rows = torch.from_numpy(semantics.of_users())
        self.register_buffer("user_rows", rows, persistent=False)
        self.transform = nn.Linear(d, d, bias=False)
        nn.init.eye_(self.transform.weight)

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The terms ``individual`` and, for models with attention, ``couple``."""
        rows = self.user_rows[batch.users]
        mask = (rows >= 0) & (self.groups.sizes[rows.clamp(min=0)] > 0)
        hidden = torch.rand(len(rows), device=rows.device) < self.config.dropout
        use = mask.any(1) & ~hidden
        if not bool(use.any()):
            return {}
        rows, mask, target = rows[use], mask[use], batch.target[use]
        interests = encoded.interests[use]
        clusters, mask = self._clusters(model, rows, mask, target)
        shares = self.assign(clusters, interests, mask)
        adapted = adapt(interests, clusters, shares, self.config.gamma)
        item = model.scored(model.lookup(target)[0])
        chosen = read_out(adapted, item, "hard")
        mass = mean_logsumexp(chosen[:, None], model.item_embeddings()[1:])
        near = (chosen * item).sum(1).mean()
        terms = {"individual": self.config.weight * (mass - near)}
        if encoded.attention is not None and self.config.couple > 0:
            belongs = self.groups.contains(rows[:, :, None], batch.history[use][:, None, :])
            belongs = belongs & mask[:, :, None]
            loss = couple(encoded.attention[use], shares.detach(), belongs)
            terms["couple"] = self.config.couple * loss
        return terms

    def _clusters(
        self, model: Backbone, rows: Tensor, mask: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Mean vectors ``[B, M, d]`` of the clusters without the target, and which are left.

        Where the user is the one the LLM was asked about, their clusters hold the target itself; it
        is taken out, or the model would learn to read the answer.
        """
        safe = rows.clamp(min=0)
        means = F.embedding(safe, self.groups.means(model.item_embeddings()))
        sizes = self.groups.sizes[safe]
        holds = self.groups.contains(rows, target[:, None])
        item = model.scored(model.lookup(target)[0])
        left = (sizes - holds.long()).clamp(min=1)[:, :, None]
        without = (means * sizes[:, :, None] - item[:, None] * holds[:, :, None]) / left
        return without, mask & (sizes > holds.long())

    def assign(self, clusters: Tensor, interests: Tensor, mask: Tensor) -> Tensor:
        """Share of each cluster that goes to each interest.

        Parameters
        ----------
        clusters : Tensor ``[B, M, d]``
        interests : Tensor ``[B, K, d]``
        mask : Tensor bool ``[B, M]``

        Returns
        -------
        Tensor
            ``[B, M, K]``; rows sum to 1, masked ones to 0.
        """
        a = F.normalize(self.transform(clusters), dim=2)
        logits = a @ F.normalize(interests, dim=2).transpose(1, 2) / self.config.tau
        if self.config.assignment == "sinkhorn":
            return sinkhorn(logits, mask)
        shares = logits.softmax(2)
        if self.config.assignment == "straight-through":
            best = F.one_hot(shares.argmax(2), shares.shape[2]).to(shares.dtype)
            shares = best + shares - shares.detach()
        return shares * mask[:, :, None]


def sinkhorn(logits: Tensor, mask: Tensor, rounds: int = 10) -> Tensor:
    """Transport with uniform marginals: every cluster sends 1, every interest gets M/K.

    Parameters
    ----------
    logits : Tensor ``[B, M, K]``
    mask : Tensor bool ``[B, M]``
        Clusters that exist.

    Returns
    -------
    Tensor
        ``[B, M, K]``; the last step is over interests, so existing rows sum to 1.
    """
    hidden = ~mask[:, :, None]
    log_share = mask.sum(1).clamp(min=1).log()[:, None, None] - math.log(logits.shape[2])
    plan = logits.masked_fill(hidden, -1e9)
    for _ in range(rounds):
        plan = plan - plan.logsumexp(1, keepdim=True) + log_share
        plan = plan - plan.logsumexp(2, keepdim=True)
        plan = plan.masked_fill(hidden, -1e9)  # the line above makes whole clusters of them
    return plan.exp() * mask[:, :, None]


def adapt(interests: Tensor, clusters: Tensor, shares: Tensor, gamma: float) -> Tensor:
    """Interests plus ``gamma`` times the share-weighted mean of their clusters, ``[B, K, d]``.

    An interest that gets less than one cluster in all is pulled in proportion: a mean over next to
    nothing would have gradients without bound (straight-through training broke down on it).

    Parameters
    ----------
    interests
        float32 ``[B, K, d]``, behavioural interests.
    clusters
        float32 ``[B, M, d]``, semantic clusters of the same users.
    shares
        float32 ``[B, M, K]``, how much of each cluster goes to each interest.
    gamma
        Strength of the pull.
    """
    mass = shares.sum(1)[:, :, None].clamp(min=1)
    return interests + gamma * shares.transpose(1, 2) @ clusters / mass


def couple(attention: Tensor, shares: Tensor, belongs: Tensor) -> Tensor:
    """Cross-entropy between a cluster's shares and its items' attention over interests.

    Parameters
    ----------
    attention : Tensor ``[B, K, L]``
    shares : Tensor ``[B, M, K]``
        Without gradient: behaviour follows the clusters here.
    belongs : Tensor bool ``[B, M, L]``
        Which history items each cluster holds.
    """
    if not bool(belongs.any()):
        return attention.new_zeros(())
    columns = attention / attention.sum(1, keepdim=True).clamp(min=1e-8)
    log_columns = columns.clamp(min=1e-8).log()
    losses = -torch.einsum("bmk,bkl->bml", shares, log_columns)
    return losses[belongs].mean()
