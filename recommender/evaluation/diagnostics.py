"""How varied the lists are, and whether a model's interests are really several.

List quality is measured on fixed text vectors and categories, never on the model's own vectors
(fact sheet, I.1); interest diagnostics follow I.3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from recommender.data.categories import category_codes
from recommender.evaluation import metrics
from recommender.evaluation.ranking import rank
from recommender.evaluation.records import InterestDiagnostics

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone
    from recommender.data.sequences import EvalHistories
    from store.data.dataset import Dataset

BLOCK = 512


def list_quality(
    ranked: Tensor, dataset: Dataset, item_vectors: Tensor | None, k: int
) -> dict[str, float]:
    """Coverage, category diversity, intra-list distance and novelty of the first k items.

    Parameters
    ----------
    ranked
        int64 ``[users, N]``, item numbers, 0 where a list is short.
    dataset
        Items, categories and training counts.
    item_vectors
        float32 ``[V, d_t]`` text vectors; None leaves out the intra-list distance.
    k
        Length of the lists.

    Returns
    -------
    dict
        ``coverage@k``: share of the catalogue that is in some list. ``category_diversity@k``:
        share of item pairs of a list whose categories differ (ComiRec), over items that have any.
        ``ild@k``: mean of one minus the cosine over pairs of a list, over items that have text.
        ``novelty@k``: mean of ``-log2`` of the share of training users' interactions.
    """
    top = ranked[:, :k]
    present = top > 0
    shown = top[present]
    counts = dataset.training_counts().astype(np.float64)
    share = torch.from_numpy((counts + 1) / (counts.sum() + dataset.n_items))
    quality = {
        f"coverage@{k}": len(torch.unique(shown)) / dataset.n_items,
        f"novelty@{k}": float(-share[shown - 1].log2().mean()),
    }
    if any(dataset.categories):
        codes = category_codes(dataset.categories)
        known = torch.tensor([False, *(bool(names) for names in dataset.categories)])
        differ = _mean_over_pairs(
            top, known, lambda rows: (codes[rows][:, :, None] != codes[rows][:, None]).double()
        )
        quality[f"category_diversity@{k}"] = differ
    if item_vectors is not None:
        unit = F.normalize(torch.cat([item_vectors[:1] * 0, item_vectors]), dim=1)
        known = unit.abs().sum(1) > 0
        quality[f"ild@{k}"] = _mean_over_pairs(
            top, known, lambda rows: (1 - unit[rows] @ unit[rows].transpose(1, 2)).double()
        )
    return quality


def _mean_over_pairs(top: Tensor, known: Tensor, value: Any) -> float:
    """Mean over users of the mean over pairs of distinct, known items of a list."""
    means = []
    for rows in torch.split(top, BLOCK):
        use = known[rows] & (rows > 0)
        pairs = use[:, :, None] & use[:, None]
        pairs &= ~torch.eye(rows.shape[1], dtype=torch.bool)
        number = pairs.sum((1, 2))
        total = (value(rows) * pairs).sum((1, 2))
        means.append((total / number.clamp(min=1))[number > 0])
    every = torch.cat(means)
    return float(every.mean()) if len(every) else math.nan


@torch.inference_mode()
def interest_diagnostics(
    model: Backbone,
    cases: EvalHistories,
    targets: tuple[Tensor, Tensor],
    *,
    keep_seen: bool,
    k: int = 50,
) -> InterestDiagnostics:
    """Whether the K interests differ and are used.

    Parameters
    ----------
    model
        In evaluation mode.
    cases
        Users and histories.
    targets
        CSR ``(indptr, item numbers)`` of the held-out items.
    keep_seen, k
        How ``marginal_recall`` ranks.
    """
    blocks = torch.split(cases.histories, BLOCK)
    interests = torch.cat([model(block).interests for block in blocks]).float()
    number = interests.shape[1]
    if number == 1:
        return {"interests": 1}
    unit = F.normalize(interests, dim=2)
    cosine = (unit @ unit.transpose(1, 2)).sum((1, 2)) - number
    values = torch.linalg.svdvals(interests)
    shares = values / values.sum(1, keepdim=True).clamp(min=1e-12)
    entropy = -(shares * shares.clamp(min=1e-12).log()).sum(1)
    usage = _usage(interests, model.item_embeddings(), targets)
    used = usage[usage > 0]
    return {
        "interests": number,
        "cosine": float(cosine.mean() / (number * (number - 1))),
        "effective_rank": float(entropy.exp().mean()),
        "usage": [round(share, 6) for share in usage.tolist()],
        "usage_entropy": float(-(used * used.log()).sum() / math.log(number)),
        "dead": int((usage < 0.01).sum()),
        "marginal_recall": _marginal(model, number, cases, targets, keep_seen, k),
    }


def _usage(interests: Tensor, table: Tensor, targets: tuple[Tensor, Tensor]) -> Tensor:
    """Share of targets by the interest that scores them highest, ``[K]``."""
    indptr, items = targets
    rows = torch.repeat_interleave(torch.arange(len(interests)), indptr.diff())
    best = torch.einsum("tkd,td->tk", interests[rows], table[items].float()).argmax(1)
    return torch.bincount(best, minlength=interests.shape[1]) / max(len(items), 1)


def _marginal(
    model: Backbone,
    number: int,
    cases: EvalHistories,
    targets: tuple[Tensor, Tensor],
    keep_seen: bool,
    k: int,
) -> list[float]:
    """Recall@k with all interests minus recall@k without each of them."""

    def recall_of(kept: list[int]) -> float:
        def score(history: Tensor) -> Tensor:
            return model.score(model(history).interests[:, kept])

        ranked = rank(score, cases, model.n_items, k, keep_seen=keep_seen)
        counts = targets[0].diff()
        hits = metrics.hit_matrix(ranked, *targets)
        return float(metrics.recall(hits, counts, k)[counts > 0].mean())

    whole = recall_of(list(range(number)))
    left = [recall_of([j for j in range(number) if j != gone]) for gone in range(number)]
    return [round(whole - value, 6) for value in left]
