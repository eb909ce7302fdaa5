"""Recommendation losses: scores of the target against all items or against shared negatives."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional as F

from recommender.backbones.base import Backbone, Encoded
from recommender.base.config_checks import checked
from recommender.data.sequences import Batch
from recommender.kernels.softmax import mean_logsumexp, mean_logsumexp_with_divergence
from store.errors import UserError

Readout = Literal["hard", "attention", "soft"]
MANY_ITEMS = 100_000
"""With more items than this a loss over all of them is no default: their scores would not fit."""


@dataclass(frozen=True)
class Rows:
    """Predictions to be made: N targets, each with the K interests it is predicted from.

    Attributes
    ----------
    queries : Tensor ``[N, K, d]``
    targets : Tensor int64 ``[N]``
        Item numbers 1 … V.
    target_vectors : Tensor ``[N, d]``
    table : Tensor ``[V, d]``
        Vectors of all items; row j is item number j + 1.
    negatives : Tensor int64 ``[M]``
        Item numbers shared by all rows; empty for losses over all items.
    negative_vectors : Tensor ``[M, d]``
    """

    queries: Tensor
    targets: Tensor
    target_vectors: Tensor
    table: Tensor
    negatives: Tensor
    negative_vectors: Tensor


def encode_rows(model: Backbone, batch: Batch, negatives: Tensor) -> tuple[Rows, Encoded]:
    """Run the model on a batch; all item vectors come from one gather.

    A batch with ``targets`` is predicted at every position, one without at ``target`` only.
    """
    keep = None if batch.targets is None else batch.targets > 0
    wanted = batch.target if batch.targets is None else batch.targets[keep]
    history, target_vectors, negative_vectors = model.lookup(batch.history, wanted, negatives)
    if keep is None:
        encoded = model.encode(batch.history, history)
        queries = encoded.interests
    else:
        states = model.all_positions(batch.history, history)
        rows = torch.arange(len(states), device=states.device)
        encoded = (
            Encoded(states[rows, batch.lengths - 1], history)
            if model.trains_on == "all"
            else model.encode(batch.history, history)
        )
        queries = states[keep]
    table = model.item_embeddings()[1:]
    target_vectors, negative_vectors = model.scored(target_vectors), model.scored(negative_vectors)
    return Rows(queries, wanted, target_vectors, table, negatives, negative_vectors), encoded


def read_out(queries: Tensor, target_vectors: Tensor, how: Readout) -> Tensor:
    """One vector per row, chosen with the target in sight (training only), ``[N, d]``.

    ``hard``: the interest that scores the target highest (ComiRec). ``attention``: interests
    weighted by softmax of their score over sqrt(d) (EIMF's target-aware attention).
    """
    if queries.shape[1] == 1:
        return queries[:, 0]
    scores = torch.einsum("nkd,nd->nk", queries, target_vectors)
    if how == "hard":
        chosen = scores.argmax(1)
        return queries[torch.arange(len(queries), device=queries.device), chosen]
    weights = (scores / math.sqrt(queries.shape[2])).softmax(1)
    return torch.einsum("nk,nkd->nd", weights, queries)


def score_candidates(rows: Rows, candidates: Tensor, how: Readout) -> Tensor:
    """Scores of shared candidates ``[C, d]`` for each row, ``[N, C]``.

    ``soft`` takes the log of the summed exponentials over interests, a smooth form of the maximum
    that serving uses; every interest gets a gradient, so none is left to die (our choice, after
    BaM's multi-interest loss).

    Parameters
    ----------
    rows
        Queries ``[N, K, d]`` with their targets.
    candidates
        Item vectors that all rows share.
    how
        How K interests become one score.
    """
    if how == "soft" and rows.queries.shape[1] > 1:
        return torch.logsumexp(rows.queries @ candidates.T, dim=1)
    return read_out(rows.queries, rows.target_vectors, how) @ candidates.T


def score_targets(rows: Rows, how: Readout) -> Tensor:
    """Score of each row's target, ``[N]``."""
    if how == "soft" and rows.queries.shape[1] > 1:
        return torch.einsum("nkd,nd->nk", rows.queries, rows.target_vectors).logsumexp(1)
    chosen = read_out(rows.queries, rows.target_vectors, how)
    return (chosen * rows.target_vectors).sum(1)


class Loss(BaseModel, ABC):
    """A recommendation loss and its settings.

    Attributes
    ----------
    readout : "hard", "attention" or "soft"
        How K interests become one score while training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    readout: Readout = "hard"

    def draw(
        self, n_items: int, device: torch.device, generator: torch.Generator | None = None
    ) -> Tensor:
        """Negatives of one batch as item numbers, ``[M]``; none for losses over all items."""
        return torch.empty(0, dtype=torch.int64, device=device)

    @abstractmethod
    def __call__(self, rows: Rows) -> Tensor:
        """Mean loss over the rows."""

    def agreeing(self, rows: Rows, again: Rows, weight: float) -> Tensor:
        """Mean loss of two passes of dropout, plus ``weight`` times how far they lie apart.

        Raises
        ------
        UserError
            For a loss that does not score all items.
        """
        raise self._no_agreement(weight)

    def check_agreement(self, weight: float) -> None:
        """Refuse a weight of agreement that the loss cannot give.

        Raises
        ------
        UserError
            For a loss that does not score all items.
        """
        if type(self).agreeing is Loss.agreeing:
            raise self._no_agreement(weight)

    def _no_agreement(self, weight: float) -> UserError:
        return UserError(
            f"training.consistency={weight:g} compares scores of all items, which the loss "
            f"{type(self).__name__} does not have; set it to 0 or take the full softmax"
        )


class FullSoftmax(Loss):
    """Cross-entropy over all items."""

    def __call__(self, rows: Rows) -> Tensor:
        """Mean of ``-log softmax`` at the target."""
        positive = score_targets(rows, self.readout).float()
        return mean_logsumexp(self._queries(rows), rows.table) - positive.mean()

    def agreeing(self, rows: Rows, again: Rows, weight: float) -> Tensor:
        """Mean loss of both passes, plus the divergence of their softmaxes (R-Drop)."""
        positive = torch.cat([score_targets(part, self.readout) for part in (rows, again)])
        mass = mean_logsumexp_with_divergence(
            self._queries(rows), self._queries(again), rows.table, weight
        )
        return mass - positive.mean()

    def _queries(self, rows: Rows) -> Tensor:
        if self.readout == "soft":
            return rows.queries
        return read_out(rows.queries, rows.target_vectors, self.readout)[:, None]


class SampledSoftmax(Loss):
    """Cross-entropy over the target and M negatives shared by the batch, drawn with replacement.

    With the log-uniform sampler, P(j) = log((j + 1) / j) / log(V + 1) for item number j, which
    follows popularity because items are numbered by it; log(M P) is *subtracted* from the scores of
    target and negatives, so that the minimum is that of the full softmax (Jean et al., ACL 2015).
    With uniform negatives the correction is the same for all and cancels.

    Attributes
    ----------
    negatives : int
        M.
    distribution : "uniform" or "log-uniform"
    drop_hits : bool
        Leave out a negative that is the row's own target.
    """

    negatives: int = Field(1280, ge=1)
    distribution: Literal["uniform", "log-uniform"] = "uniform"
    drop_hits: bool = True

    def draw(
        self, n_items: int, device: torch.device, generator: torch.Generator | None = None
    ) -> Tensor:
        """M item numbers of 1 … V."""
        if self.distribution == "uniform":
            size = (self.negatives,)
            return torch.randint(1, n_items + 1, size, generator=generator, device=device)
        # Inverse of the distribution function log(j + 1) / log(V + 1).
        draw = torch.rand(self.negatives, generator=generator, device=device, dtype=torch.float64)
        return torch.exp(draw * math.log(n_items + 1)).long().clamp(1, n_items)

    def _log_expected(self, numbers: Tensor, n_items: int) -> Tensor:
        exact = numbers.double()
        probability = torch.log1p(1 / exact) / math.log(n_items + 1)
        return (self.negatives * probability).log().float()

    def __call__(self, rows: Rows) -> Tensor:
        """Mean of ``-log softmax`` at the target among the candidates."""
        positive = score_targets(rows, self.readout).float()
        negative = score_candidates(rows, rows.negative_vectors, self.readout).float()
        if self.distribution == "log-uniform":
            n_items = len(rows.table)
            positive = positive - self._log_expected(rows.targets, n_items)
            negative = negative - self._log_expected(rows.negatives, n_items)
        if self.drop_hits:
            hits = rows.targets[:, None] == rows.negatives
            negative = negative.masked_fill(hits, -math.inf)
        return (torch.logaddexp(positive, negative.logsumexp(1)) - positive).mean()


class UniformNegatives(Loss):
    """A loss over M negatives that a batch shares, drawn alike from all items."""

    negatives: int

    def draw(
        self, n_items: int, device: torch.device, generator: torch.Generator | None = None
    ) -> Tensor:
        """M item numbers of 1 … V, uniform with replacement."""
        size = (self.negatives,)
        return torch.randint(1, n_items + 1, size, generator=generator, device=device)


class InterestAware(UniformNegatives):
    """REMI's interest-aware hard negatives (RecSys'23, section 4.2).

    Uniform negatives are weighted by ``w_j = softmax_j(beta x_j)``; the loss is
    ``-log exp(x+) / (exp(x+) + M sum_j w_j exp(x_j))``, with the gradient flowing through w. As in
    the authors' code a negative may be the target; padding is never drawn (our choice).

    Attributes
    ----------
    negatives : int
        M.
    beta : float
        Hardness; 0 is the plain sampled softmax.
    """

    negatives: int = Field(1280, ge=1)
    beta: float = Field(0.1, ge=0)

    def __call__(self, rows: Rows) -> Tensor:
        """Mean loss over the rows."""
        positive = score_targets(rows, self.readout).float()
        scores = score_candidates(rows, rows.negative_vectors, self.readout).float()
        # log of M sum_j w_j exp(x_j), with w_j = exp(beta x_j) / sum_i exp(beta x_i).
        mass = (
            math.log(scores.shape[1])
            + ((1 + self.beta) * scores).logsumexp(1)
            - (self.beta * scores).logsumexp(1)
        )
        return (torch.logaddexp(positive, mass) - positive).mean()


class GBCE(UniformNegatives):
    """Binary cross-entropy that undoes the overconfidence of sampling (gSASRec, RecSys'23, sec. 5).

    ``-[beta log s(x+) + sum_j log(1 - s(x_j))] / (M + 1)`` with ``alpha = M / (V - 1)`` and
    ``beta = alpha (t (1 - 1/alpha) + 1/alpha)``. Negatives are shared by the batch (our choice; the
    paper draws them per position).

    Attributes
    ----------
    negatives : int
        M.
    t : float
        Calibration, 0 (plain) … 1 (full).
    """

    negatives: int = Field(256, ge=1)
    t: float = Field(0.75, ge=0, le=1)

    def __call__(self, rows: Rows) -> Tensor:
        """Mean loss over the rows."""
        alpha = min(1.0, self.negatives / max(1, len(rows.table) - 1))
        beta = alpha * (self.t * (1 - 1 / alpha) + 1 / alpha)
        positive = score_targets(rows, self.readout).float()
        negative = score_candidates(rows, rows.negative_vectors, self.readout).float()
        hits = rows.targets[:, None] == rows.negatives
        against = F.logsigmoid(-negative).masked_fill(hits, 0.0).sum(1)
        total = beta * F.logsigmoid(positive) + against
        return -total.mean() / (self.negatives + 1)


LOSSES: dict[str, type[Loss]] = {
    "full": FullSoftmax,
    "sampled": SampledSoftmax,
    "interest-aware": InterestAware,
    "gbce": GBCE,
}


def create_loss(name: str, **settings: object) -> Loss:
    """A loss by name.

    Raises
    ------
    UserError
        For an unknown loss or setting.
    """
    if name not in LOSSES:
        raise UserError(f"no loss {name!r}; there are {', '.join(LOSSES)}")
    return checked(LOSSES[name], settings, f"loss {name!r}")
