"""Disentangled multi-interest learning: each interest answers for a cluster of what comes next.

After HyMiRec (arXiv 2510.13738), of which we had the abstract, and the public code of its sibling
RED-Rec (arXiv 2510.14788): the next M items are clustered, clusters are matched to interests one to
one, and each item is told from the others by the interest of its cluster. The authors' projection
head is left out: interests and items are compared as they are served (our reading).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.base.config_checks import checked
from recommender.data.sequences import Batch, Sequences
from recommender.objectives.base import Material, Objective, ObjectiveConfig
from store.errors import UserError

MOST_PERMUTATIONS = 50_000


class DMILConfig(ObjectiveConfig):
    """Settings.

    Attributes
    ----------
    weight : float
    ahead : int
        M, how many of the next training items are positives.
    assignment
        ``clusters``: balanced clusters of the positives, matched to interests; ``positives``: the
        positives themselves are matched to interests, the rest goes to the nearest (the ablation).
    iterations : int
        Of the clustering.
    same : float
        A negative whose cosine with the positive is above this is left out.
    """

    weight: float = Field(0.1, ge=0)
    ahead: int = Field(10, ge=1)
    assignment: Literal["clusters", "positives"] = "clusters"
    iterations: int = Field(5, ge=1)
    same: float = Field(0.98, gt=0, le=1)


class DMIL(Objective):
    """InfoNCE of the next items, each with the interest that its cluster was matched to.

    Parameters
    ----------
    sequences : Sequences
        Training histories, which hold what comes next.
    k : int
        Interests of the model.
    config : DMILConfig
    """

    name = "dmil"
    Config = DMILConfig
    orders: Tensor

    def __init__(self, sequences: Sequences, k: int, config: DMILConfig | None = None) -> None:
        super().__init__()
        self.config = config or DMILConfig()
        self._sequences = sequences
        self.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        columns = k if self.config.assignment == "clusters" else max(k, self.config.ahead)
        if math.perm(columns, k) > MOST_PERMUTATIONS:
            raise UserError(
                f"dmil matches {k} interests with {columns} by trying all ways, which are too "
                "many; take fewer interests (model.k) or a smaller dmil.ahead"
            )
        orders = torch.tensor(list(itertools.permutations(range(columns), k)))
        self.register_buffer("orders", orders, persistent=False)

    @classmethod
    def make(cls, material: Material, settings: Mapping[str, Any]) -> Self:
        """Of the training histories, for the model's number of interests."""
        config = checked(DMILConfig, settings, cls.name)
        return cls(material.sequences, material.model.k, config)

    @classmethod
    def check(cls, model: Backbone) -> None:
        """Refuse a model with one interest, which has nothing to tell apart."""
        if model.k < 2:
            raise UserError(f"dmil needs several interests; backbone {model.name!r} has one")

    def forward(self, model: Backbone, batch: Batch, encoded: Encoded) -> dict[str, Tensor]:
        """The term ``dmil``."""
        if batch.cuts is None:
            return {}
        ids = self._sequences.following(batch.users, batch.cuts, self.config.ahead)
        there = ids > 0
        positives = F.normalize(model.scored(model.lookup(ids)[0]), dim=2)
        queries = F.normalize(encoded.interests, dim=2)
        with torch.no_grad():
            chosen = self._assign(queries.detach().float(), positives.detach().float(), there)
        query = queries.gather(1, chosen[:, :, None].expand(-1, -1, queries.shape[2]))
        loss = self._contrast(query[there], positives[there], ids[there])
        return {"dmil": self.config.weight * loss}

    def _assign(self, queries: Tensor, positives: Tensor, there: Tensor) -> Tensor:
        """The interest of each positive, int64 ``[B, M]``."""
        k = queries.shape[1]
        if self.config.assignment == "clusters":
            labels, centres = balanced_clusters(positives, there, k, self.config.iterations)
            match = best_matching(queries @ centres.transpose(1, 2), self.orders)
            return match.argsort(1).gather(1, labels)
        alike = (queries @ positives.transpose(1, 2)).masked_fill(~there[:, None], -2.0)
        alike = F.pad(alike, (0, max(0, k - alike.shape[2])), value=-2.0)
        match = best_matching(alike, self.orders)
        nearest = alike.argmax(1)
        return nearest.scatter(1, match, torch.arange(k, device=match.device).expand_as(match))[
            :, : there.shape[1]
        ]

    def _contrast(self, query: Tensor, positives: Tensor, ids: Tensor) -> Tensor:
        """InfoNCE over the batch's positives; copies of the positive are no negatives."""
        scale = self.scale.clamp(0.0, math.log(100.0)).exp()
        logits = query @ positives.T * scale
        with torch.no_grad():
            copies = (positives @ positives.T > self.config.same) | (ids[:, None] == ids)
            copies.fill_diagonal_(False)
        logits = logits.masked_fill(copies, -torch.inf)
        return F.cross_entropy(logits, torch.arange(len(ids), device=ids.device))


def best_matching(similarity: Tensor, orders: Tensor) -> Tensor:
    """The one-to-one matching of rows with columns of the largest sum, int64 ``[B, R]``.

    Every matching is tried, which is exact and, for a handful of rows, fast for a whole batch.

    Parameters
    ----------
    similarity : Tensor ``[B, R, C]``
    orders : Tensor int64 ``[P, R]``
        All ways to give the R rows different columns.
    """
    rows = torch.arange(similarity.shape[1], device=similarity.device)
    sums = similarity[:, rows, orders].sum(2)
    return orders[sums.argmax(1)]


def balanced_clusters(
    vectors: Tensor, there: Tensor, k: int, iterations: int
) -> tuple[Tensor, Tensor]:
    """Cosine k-means of each row's vectors into clusters of at most ``ceil(n / k)``.

    Starts from the first k vectors (a row with fewer leaves clusters empty); in each pass the most
    alike pairs of vector and centre are joined first, as long as the cluster has room.

    Parameters
    ----------
    vectors : Tensor ``[B, M, d]``
        Unit vectors.
    there : Tensor bool ``[B, M]``
        Which of them exist.

    Returns
    -------
    (Tensor int64 ``[B, M]``, Tensor ``[B, k, d]``)
        Labels, 0 where a vector does not exist, and unit centres, zeros of an empty cluster.
    """
    m = vectors.shape[1]
    present = there[:, :, None].to(vectors.dtype)
    centres = F.pad(vectors * present, (0, 0, 0, max(0, k - m)))[:, :k]
    room = (there.sum(1) + k - 1) // k
    labels = torch.zeros_like(there, dtype=torch.long)
    for _ in range(iterations):
        labels = _join(vectors @ centres.transpose(1, 2), there, room)
        member = F.one_hot(labels, k).to(vectors.dtype) * present
        centres = F.normalize(member.transpose(1, 2) @ vectors, dim=2)
    return labels, centres


def _join(similarity: Tensor, there: Tensor, room: Tensor) -> Tensor:
    """Labels ``[B, M]`` by joining the most alike pair M times, clusters holding ``room`` each."""
    rows, m, k = similarity.shape
    left = similarity.masked_fill(~there[:, :, None], -torch.inf)
    labels = torch.zeros(rows, m, dtype=torch.long, device=similarity.device)
    sizes = torch.zeros(rows, k, dtype=torch.long, device=similarity.device)
    row = torch.arange(rows, device=similarity.device)
    for _ in range(m):
        best, place = left.view(rows, -1).max(1)
        item, cluster = place // k, place % k
        real = best > -torch.inf
        labels[row[real], item[real]] = cluster[real]
        sizes[row[real], cluster[real]] += 1
        left[row, item] = -torch.inf
        left = left.masked_fill((sizes >= room[:, None])[:, None], -torch.inf)
    return labels
