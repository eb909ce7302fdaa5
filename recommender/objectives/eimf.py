"""EIMF's semantic prediction and modality alignment (arXiv 2411.09410, section 3).

Adds ``gamma (L_S + L_A)`` to the recommendation loss. The paper's notation: H_im the behavioural
interests, H_ex the text vectors of the semantic interests of the user's exemplar, e_tar and t_tar
the target's item vector and text vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.base.config_checks import checked
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch
from recommender.kernels.softmax import mean_logsumexp
from recommender.objectives.base import Material, Objective, ObjectiveConfig
from recommender.objectives.shared import (
    contrast,
    cosine_gap,
    plain_mean,
    reduce_text,
    target_aware,
)


class EIMFConfig(ObjectiveConfig):
    """Settings; the defaults are the paper's best on Office and Beauty.

    Attributes
    ----------
    alpha, beta : float
        Weights of contrast and cosine gap; the paper keeps ``2 (alpha + beta) = 1``.
    gamma : float
        Weight of both losses.
    tau : float
        Temperature, also of the semantic prediction: the paper takes plain inner products of raw
        BERT vectors there; ours have unit length, so their cosines are divided by ``tau``.
    text_width : int
        Dimensions the text vectors are reduced to (100 in the authors' code).
    align_interests, align_items : bool
        The halves of L_A: interests with interests, and item vectors with item texts, which needs
        no interest at all.
    align, predict, attend : bool
        The paper's ablations: without L_A, without L_S, without target-aware attention (interests
        are then averaged on both sides).
    """

    alpha: float = Field(0.4, ge=0)
    beta: float = Field(0.1, ge=0)
    gamma: float = Field(0.1, ge=0)
    tau: float = Field(0.1, gt=0)
    text_width: int = Field(100, ge=1)
    align: bool = True
    align_interests: bool = True
    align_items: bool = True
    predict: bool = True
    attend: bool = True


class EIMF(Objective):
    """Semantic prediction and modality alignment.

    Parameters
    ----------
    semantics : Semantics
    d : int
        Width of the behavioural side.
    config : EIMFConfig
    """

    name = "eimf"
    Config = EIMFConfig
    reads = "interests of users"

    item_text: Tensor
    texts: Tensor
    has_text: Tensor
    interest_text: Tensor
    sets: Tensor
    set_of: Tensor

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self:
        """Of the store's interests, at the model's width."""
        config = checked(EIMFConfig, settings, cls.name)
        return cls(material.interests, material.model.d, config)

    def __init__(self, semantics: Semantics, d: int, config: EIMFConfig | None = None) -> None:
        super().__init__()
        self.config = config or EIMFConfig()
        items, interests = reduce_text(semantics, self.config.text_width)
        padding = torch.zeros(1, items.shape[1])
        has_text = items.abs().sum(1) > 0
        # Users of one exemplar share their interests: each such set is attended to once in a batch.
        sets, set_of = np.unique(semantics.of_users() + 1, axis=0, return_inverse=True)
        constants = {
            "item_text": torch.cat([padding, items]),  # row 0 is the padding item
            "texts": items[has_text],
            "has_text": torch.cat([padding[:, 0] > 0, has_text]),
            "interest_text": torch.cat([padding, interests]),  # row 0 is no interest
            "sets": torch.from_numpy(sets),
            "set_of": torch.from_numpy(set_of.reshape(-1)),
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)
        width = items.shape[1]
        self.attention = SelfAttention(width)
        self.project_interest = nn.Linear(width, d)
        self.project_item = nn.Linear(width, d)

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The terms ``semantic`` and ``align``; rows without interests or text are left out."""
        config, chosen = self.config, self.set_of[batch.users]
        usable = (self.sets[chosen] > 0).any(1) & self.has_text[batch.target]
        if int(usable.sum()) < 2:  # nothing to contrast with
            return {}
        target = batch.target[usable]
        target_text = self.item_text[target]
        semantic = self._read_semantic(chosen[usable], target_text)
        terms: dict[str, Tensor] = {}
        if config.predict:
            terms["semantic"] = config.gamma * self._predict(semantic, target_text)
        if config.align:
            item = model.scored(model.lookup(target)[0])
            behaviour = self._read_behaviour(encoded.interests[usable], item)
            pairs = []
            if config.align_interests:
                pairs.append((self.project_interest(semantic), behaviour))
            if config.align_items:
                pairs.append((self.project_item(target_text), item))
            loss = sum(
                (
                    config.alpha * contrast(a, b, config.tau) + config.beta * cosine_gap(a, b)
                    for a, b in pairs
                ),
                start=item.new_zeros(()),
            )
            terms["align"] = config.gamma * loss
        return terms

    def _read_semantic(self, chosen: Tensor, target_text: Tensor) -> Tensor:
        """H'_ex ``[B, w]``: the self-attended interests, read out with the target's text."""
        distinct, place = torch.unique(chosen, return_inverse=True)
        rows = self.sets[distinct]
        mask = rows > 0
        mixed = self.attention(self.interest_text[rows], mask)
        values = F.embedding(place, mixed.flatten(1)).view(-1, *mixed.shape[1:])
        if self.config.attend:
            return target_aware(values, target_text, mask[place])
        return plain_mean(values, mask[place])

    def _read_behaviour(self, interests: Tensor, item: Tensor) -> Tensor:
        """H'_im ``[B, d]``."""
        return target_aware(interests, item) if self.config.attend else plain_mean(interests)

    def _predict(self, semantic: Tensor, target_text: Tensor) -> Tensor:
        """L_S: cross-entropy of the target among all items that have text."""
        queries = F.normalize(semantic, dim=1) / self.config.tau
        near = (queries * target_text).sum(1).mean()
        return mean_logsumexp(queries[:, None], self.texts) - near

    def interest_vectors(self) -> Tensor:
        """Semantic interests in the space of the behavioural ones, ``[n, d]``, for explanations.

        The projection of the text vector itself: self-attention mixes a user's interests, and an
        explanation is to name one of them.
        """
        with torch.no_grad():
            projected: Tensor = self.project_interest(self.interest_text[1:])
        return projected


class SelfAttention(nn.Module):
    """One head of self-attention over a set, added to its input.

    The sum keeps the geometry of the text at the start (our choice; the paper gives no detail).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """``[B, M, w]`` and bool ``[B, M]`` → ``[B, M, w]``."""
        mixed = F.scaled_dot_product_attention(
            self.query(values), self.key(values), self.value(values), attn_mask=mask[:, None, :]
        )
        return values + mixed
