"""LDMI's crowd level: items that one interest names lie closer than items of its other interests.

Positives are two items that one interest of one subject (a synthetic user, an exemplar) names as
evidence. ``groups`` is our reading of LDMI (arXiv 2507.10917; the fact sheet's section A.4, step
6): negatives are items of the same subject's other interests, which are hard and meaningful, and
uniform ones. ``all`` is our own and simpler: negatives are all other items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.base.config_checks import checked
from recommender.data.groups import Groups
from recommender.data.semantics import Semantics
from recommender.data.sequences import Batch
from recommender.kernels.softmax import mean_logsumexp
from recommender.losses.recommendation import MANY_ITEMS
from recommender.objectives.base import Material, Objective, ObjectiveConfig
from store.errors import StoreError


class CrowdConfig(ObjectiveConfig):
    """Settings.

    Attributes
    ----------
    weight : float
    tau : float
        Temperature of the cosines.
    pairs : int
        Pairs drawn in each step.
    draw
        ``items``: every (interest, item) pair equally often, so that large interests teach more;
        ``interests``: every interest equally often, whatever its size.
    partner
        What an item is drawn to: another ``item`` of its interest, or its ``prototype``, the mean
        direction of the interest's other items.
    negatives
        ``all``: every item; ``groups``: ``hard`` items of the subject's other interests and
        ``uniform`` random ones.
    hard, uniform : int
        Negatives of each pair under ``groups``.
    subjects
        Whose interests: ``synthetic``, ``exemplar``, or ``any``.
    """

    weight: float = Field(0.1, ge=0)
    tau: float = Field(0.1, gt=0)
    pairs: int = Field(512, ge=1)
    draw: Literal["items", "interests"] = "items"
    partner: Literal["item", "prototype"] = "item"
    negatives: Literal["all", "groups"] = "all"
    hard: int = Field(32, ge=1)
    uniform: int = Field(64, ge=1)
    subjects: Literal["any", "synthetic", "exemplar"] = "any"


class Crowd(Objective):
    """Contrastive loss on item vectors from the groups of items that interests name.

    Parameters
    ----------
    semantics : Semantics
    config : CrowdConfig

    Raises
    ------
    StoreError
        Where no interest of the chosen subjects names two items.
    """

    name = "crowd"
    Config = CrowdConfig
    reads = "interests"

    owner: Tensor
    drawn: Tensor
    subject: Tensor
    subject_indptr: Tensor
    subject_items: Tensor
    together: Tensor

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self:
        """Of the store's interests; with very many items the negatives are drawn."""
        semantics = material.interests
        usual = {"negatives": "groups"} if semantics.n_items > MANY_ITEMS else {}
        return cls(semantics, checked(CrowdConfig, {**usual, **settings}, cls.name))

    def __init__(self, semantics: Semantics, config: CrowdConfig | None = None) -> None:
        super().__init__()
        self.config = config or CrowdConfig()
        wanted = self.config.subjects
        keep = (
            np.ones(len(semantics.kinds), dtype=bool)
            if wanted == "any"
            else (semantics.kinds == wanted)
        )
        sizes = np.diff(semantics.evidence_indptr)
        self.groups = Groups(semantics, keep & (sizes >= 2))
        if self.groups.items.numel() == 0:
            raise StoreError(
                f"the crowd loss needs interests of {wanted} subjects that name at least two items "
                "each, and the store has none; run profiler build, or leave out --crowd"
            )
        _, subject = np.unique(semantics.subjects, return_inverse=True)
        self._index(torch.from_numpy(subject.astype(np.int64)))

    def _index(self, subject: Tensor) -> None:
        """Tables for drawing: the group of each (group, item) pair, items of each subject."""
        sizes = self.groups.sizes
        owner = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
        numbers = self.groups.n_numbers
        held = torch.unique(subject[owner] * numbers + self.groups.items)
        counts = torch.bincount(held // numbers, minlength=int(subject.max()) + 1)
        tables = {
            "owner": owner,
            "drawn": (sizes >= 2).nonzero()[:, 0],
            "subject": subject,
            "subject_indptr": torch.cat([counts.new_zeros(1), counts.cumsum(0)]),
            "subject_items": held % numbers,
            "together": self._pairs() if self.config.negatives == "groups" else owner[:0],
        }
        for name, table in tables.items():
            self.register_buffer(name, table, persistent=False)

    def _pairs(self) -> Tensor:
        """Sorted keys ``i * (V + 1) + j`` of all items that some interest names together."""
        sizes, numbers = self.groups.sizes, self.groups.n_numbers
        pairs = sizes.square()
        group = torch.repeat_interleave(torch.arange(len(sizes)), pairs)
        place = torch.arange(len(group)) - (pairs.cumsum(0) - pairs)[group]
        start, size = self.groups.indptr[group], sizes[group]
        left = self.groups.items[start + place // size]
        keys = left * numbers + self.groups.items[start + place % size]
        return keys.unique(sorted=True)  # type: ignore[no-any-return, no-untyped-call]

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """Anchors, partners (item numbers) and their groups, int64 ``[pairs]`` each.

        The partner is drawn uniformly from the other items of the anchor's interest.
        """
        device, shape = self.owner.device, (self.config.pairs,)
        if self.config.draw == "items":
            place = torch.randint(len(self.owner), shape, device=device)
            group = self.owner[place]
            start, size = self.groups.indptr[group], self.groups.sizes[group]
        else:
            group = self.drawn[torch.randint(len(self.drawn), shape, device=device)]
            start, size = self.groups.indptr[group], self.groups.sizes[group]
            place = start + (torch.rand(shape, device=device) * size).long().clamp(max=size - 1)
        step = 1 + (torch.rand(len(place), device=device) * (size - 1)).long().clamp(max=size - 2)
        partner = start + (place - start + step) % size
        items = self.groups.items
        return items[place], items[partner], group

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The term ``crowd``."""
        anchors, partners, group = self.draw()
        if self.config.negatives == "all":
            table = F.normalize(model.item_embeddings(), dim=1)
            # index_select, because the gradient of indexing is summed in no fixed order
            a, b = table.index_select(0, anchors), table.index_select(0, partners)
            if self.config.partner == "prototype":
                b = self._prototypes(table, a, group)
            near = (a * b).sum(1).mean() / self.config.tau
            mass = mean_logsumexp((a / self.config.tau)[:, None], table[1:], excluded=anchors - 1)
            return {"crowd": self.config.weight * (mass - near)}
        negatives, allowed = self._negatives(anchors, group)
        a, b, c = model.lookup(anchors, partners, negatives)
        a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
        if self.config.partner == "prototype":
            b = self._prototypes(F.normalize(model.item_embeddings(), dim=1), a, group)
        near = (a * b).sum(1, keepdim=True)
        # Lengths once per item, not once per negative: there are pairs × negatives of those.
        norms = model.table().norm(dim=1).clamp(min=1e-12)
        lengths = norms.index_select(0, negatives.view(-1)).view(negatives.shape)
        far = ((c @ a[:, :, None])[:, :, 0] / lengths).masked_fill(~allowed, float("-inf"))
        logits = torch.cat([near, far], 1) / self.config.tau
        return {"crowd": self.config.weight * F.cross_entropy(logits, torch.zeros_like(anchors))}

    def _prototypes(self, table: Tensor, anchors: Tensor, group: Tensor) -> Tensor:
        """Mean direction of each anchor's group without the anchor itself, unit ``[pairs, d]``."""
        size = self.groups.sizes[group][:, None]
        whole = F.embedding(group, self.groups.means(table)) * size
        return F.normalize(whole - anchors, dim=1)

    def _negatives(self, anchors: Tensor, group: Tensor) -> tuple[Tensor, Tensor]:
        """Item numbers ``[pairs, hard + uniform]`` and which of them count.

        A pair that some interest of the chosen subjects names together is no negative (the
        conflict rule).
        """
        config, device = self.config, anchors.device
        subject = self.subject[group]
        start = self.subject_indptr[subject]
        size = self.subject_indptr[subject + 1] - start
        draw = torch.rand(len(anchors), config.hard, device=device)
        place = (draw * size[:, None]).long().clamp(max=size[:, None] - 1)
        hard = self.subject_items[start[:, None] + place]
        shape = (len(anchors), config.uniform)
        uniform = torch.randint(1, self.groups.n_numbers, shape, device=device)
        negatives = torch.cat([hard, uniform], 1)
        keys = anchors[:, None] * self.groups.n_numbers + negatives
        place = torch.searchsorted(self.together, keys).clamp(max=len(self.together) - 1)
        return negatives, self.together[place] != keys
