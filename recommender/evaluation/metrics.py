"""Ranking metrics per user, vectorised over users.

All functions take ``hits``, a boolean ``[users, N]`` that says which of the first N ranks hold a
target, and ``targets``, int64 ``[users]``, how many targets each user has. They return float64
``[users]``; the mean over users is the figure of a table. A user without targets scores 0 and is
to be left out by the caller.

Sources: the standard definitions (binary relevance). ``ndcg_hit_normalised`` is the variant of the
ComiRec family's public code, whose ideal counts the hits and not the targets; it rewards users
with few hits and is here only so that published tables can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from store.errors import UserError

PADDING = 0


def hit_matrix(ranked: Tensor, indptr: Tensor, items: Tensor) -> Tensor:
    """Which ranked items are targets.

    Parameters
    ----------
    ranked
        int64 ``[users, N]``, best first, each item at most once in a row; 0 (padding) where a list
        is shorter than N.
    indptr, items
        int64 ``[users + 1]`` and ``[targets]``: the targets of user u are
        ``items[indptr[u]:indptr[u + 1]]``, each at most once.

    Returns
    -------
    Tensor
        bool ``[users, N]``. Padding is never a hit.
    """
    if indptr.numel() != ranked.shape[0] + 1:
        users = indptr.numel() - 1
        raise ValueError(f"{ranked.shape[0]} ranked lists but targets of {users} users")
    if items.numel() == 0:
        return torch.zeros_like(ranked, dtype=torch.bool)
    base = int(torch.cat([items, ranked.flatten()]).max()) + 1
    owner = torch.repeat_interleave(torch.arange(ranked.shape[0]), indptr.diff())
    keys = (owner * base + items).sort().values
    wanted = torch.arange(ranked.shape[0])[:, None] * base + ranked
    place = torch.searchsorted(keys, wanted).clamp_(max=keys.numel() - 1)
    return (keys[place] == wanted) & (ranked != PADDING)


def recall(hits: Tensor, targets: Tensor, k: int) -> Tensor:
    """Hits among the first k, over the number of targets."""
    return hits[:, :k].sum(1).double() / targets.clamp(min=1)


def hit_rate(hits: Tensor, targets: Tensor, k: int) -> Tensor:
    """1 where at least one of the first k is a target."""
    return hits[:, :k].any(1).double()


def mrr(hits: Tensor, targets: Tensor, k: int) -> Tensor:
    """One over the rank of the first target among the first k, else 0."""
    top = hits[:, :k]
    first = top.int().argmax(1)
    return torch.where(top.any(1), 1.0 / (first.double() + 1), torch.zeros(len(top)).double())


def _discounts(k: int) -> Tensor:
    return torch.log2(torch.arange(2, k + 2, dtype=torch.float64)).reciprocal()


def _dcg(hits: Tensor, k: int) -> Tensor:
    top = hits[:, :k].double()
    return (top * _discounts(top.shape[1])).sum(1)


def _ideal(count: Tensor, k: int) -> Tensor:
    """DCG of a list whose first ``min(count, k)`` ranks are hits."""
    cumulated = torch.cat([torch.zeros(1, dtype=torch.float64), _discounts(k).cumsum(0)])
    return cumulated[count.clamp(max=k)]


def _over(dcg: Tensor, ideal: Tensor) -> Tensor:
    """One over the other; the ideal of one hit is 1, so that only 0 over 0 is changed, to 0."""
    return dcg / ideal.clamp(min=1)


def ndcg(hits: Tensor, targets: Tensor, k: int) -> Tensor:
    """Standard NDCG with binary gains: the ideal list holds ``min(targets, k)`` hits."""
    return _over(_dcg(hits, k), _ideal(targets, k))


def ndcg_hit_normalised(hits: Tensor, targets: Tensor, k: int) -> Tensor:
    """NDCG as in the public ComiRec code: the ideal list holds as many hits as were made.

    Only for comparison with published tables: it is inflated where few of many targets are hit.
    """
    return _over(_dcg(hits, k), _ideal(hits[:, :k].sum(1), k))


METRICS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "recall": recall,
    "ndcg": ndcg,
    "hr": hit_rate,
    "mrr": mrr,
    "ndcg_hit_normalised": ndcg_hit_normalised,
}
DEFAULT = ("recall", "ndcg", "hr", "mrr")


def parse_metric(text: str) -> tuple[str, int]:
    """Read ``recall@50`` as ``("recall", 50)``.

    Raises
    ------
    UserError
        For an unknown metric, or a cut-off that is not a number of 1 or more.
    """
    kind, _, k = text.partition("@")
    if kind not in METRICS or not k.isdecimal() or int(k) < 1 or str(int(k)) != k:
        raise UserError(f"metric {text!r}: write for example recall@50; {', '.join(METRICS)}")
    return kind, int(k)


def per_user(
    hits: Tensor, targets: Tensor, ks: Iterable[int], names: Iterable[str] = DEFAULT
) -> dict[str, Tensor]:
    """Each metric at each k, as ``{"recall@20": float64 [users], ...}``.

    Raises
    ------
    ValueError
        For an unknown metric, or a k below 1.
    """
    names = tuple(names)
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise ValueError(f"unknown metric {unknown[0]!r}; there are {', '.join(METRICS)}")
    values: dict[str, Tensor] = {}
    for k in ks:
        if k < 1:
            raise ValueError(f"a metric needs k of at least 1, not {k}")
        for name in names:
            values[f"{name}@{k}"] = METRICS[name](hits, targets, k)
    return values
