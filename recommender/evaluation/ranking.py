"""Full-ranking evaluation: every item is a candidate, for every user with targets.

What is hidden from whom was decided when the store was built (``Dataset.split``); this module only
ranks and counts. Nothing is sampled. Whether items the user already has may be recommended depends
on the protocol and is recorded in the result:

================  ============================  =================================================
split             items the user already has    source
================  ============================  =================================================
users-811, file   stay candidates               ComiRec (KDD'20) and its public code
leave-one-out     are removed                   SASRec with full ranking (RecTools, gSASRec)
time              are removed                   our choice, as in leave-one-out
none              (refused)
================  ============================  =================================================

Leave-one-out leaks time across users: one user's training item may be younger than another's test
item. It is kept because published tables use it; a cut in time (``time:DATE``) is free of this.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from recommender.base.errors import NotNumbersError
from recommender.data.sequences import EvalHistories, Sequences
from recommender.evaluation import metrics
from recommender.evaluation.records import EvaluationProtocol, InterestDiagnostics
from recommender.kernels.products import fast_float32_products
from store.errors import UserError
from store.notebook import html_table

if TYPE_CHECKING:
    import polars as pl

    from recommender.backbones.base import Backbone
    from store.data.dataset import Dataset

Scorer = Callable[[Tensor], Tensor]
"""Histories int64 ``[B, L]`` → scores float32 ``[B, V]`` (column j is the item with item_ix j)."""

SEEN_STAY = {"users-811": True, "file": True, "leave-one-out": False, "time": False}
BLOCK_FLOATS = 2**20
DEFAULT_KS = (10, 20, 50)


def keeps_seen(split: str) -> bool:
    """Whether a protocol leaves the items a user already has among the candidates.

    Raises
    ------
    UserError
        For the split ``none``, which holds nothing back to evaluate on.
    """
    if split == "none":
        raise UserError(
            "this store was built with --split none: training and the LLM saw every interaction, "
            "so nothing is left to evaluate on; build with --split leave-one-out, users-811 or "
            "time:DATE to measure quality"
        )
    if split not in SEEN_STAY:
        raise ValueError(f"unknown split {split!r}; there are {', '.join(SEEN_STAY)} and none")
    return SEEN_STAY[split]


def scorer_of(model: Backbone) -> Scorer:
    """Score histories with a model: the largest inner product over its interests."""

    def score(history: Tensor) -> Tensor:
        scores = model.score(model(history.to(model.items.device)).interests)
        return scores.cpu()

    return score


def popularity(dataset: Dataset) -> Scorer:
    """The baseline that knows no user: training interactions of an item, ties by id.

    Not by ``item_ix``: items are numbered by all their interactions, targets too.
    """
    counts = dataset.training_counts()
    order = np.lexsort((np.array(dataset.item_ids), -counts))
    ranks = torch.empty(dataset.n_items)
    ranks[torch.from_numpy(order)] = -torch.arange(dataset.n_items, dtype=torch.float32)
    return lambda history: ranks.expand(len(history), -1)


@torch.inference_mode()
def rank(score: Scorer, cases: EvalHistories, n_items: int, n: int, *, keep_seen: bool) -> Tensor:
    """Rank all items for each user.

    Users go through in blocks of some 4 MB of scores, which stay in the processor's cache.

    Parameters
    ----------
    score
        Gives the scores of all items.
    cases
        Users and histories.
    n_items
        Number of items V.
    n
        Length of the lists.
    keep_seen
        Whether known items are candidates.

    Returns
    -------
    Tensor
        Item numbers (``item_ix + 1``) int64 ``[users, min(n, V)]``, best first; 0 where fewer than
        n candidates are left.

    Raises
    ------
    NotNumbersError
        Where a score is not a number: the model did not train.
    """
    n, block = min(n, n_items), max(1, BLOCK_FLOATS // n_items)
    ranked = torch.zeros(len(cases.users), n, dtype=torch.long)
    for start in range(0, len(cases.users), block):
        stop = min(start + block, len(cases.users))
        with fast_float32_products():
            scores = score(cases.histories[start:stop])
        if not keep_seen:
            rows, items = _block(cases.seen_indptr, cases.seen, start, stop)
            scores = scores.index_put((rows, items), scores.new_tensor(-math.inf))
        best = scores.topk(n, dim=1)
        if bool(best.values.isnan().any()):
            user = int(cases.users[start + int(best.values.isnan().any(1).int().argmax())])
            raise NotNumbersError(
                f"the model's scores for user_ix {user} are not numbers; train it anew"
            )
        ranked[start:stop] = torch.where(best.values == -math.inf, 0, best.indices + 1).cpu()
    return ranked


def _block(indptr: Tensor, items: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor]:
    part = items[int(indptr[start]) : int(indptr[stop])]
    rows = torch.repeat_interleave(torch.arange(stop - start), indptr[start : stop + 1].diff())
    return rows, part


def targets_of(cases: EvalHistories, n_items: int, *, keep_seen: bool) -> tuple[Tensor, Tensor]:
    """Targets as CSR of item numbers; a target that is no candidate (seen, removed) is dropped."""
    counts = cases.targets_indptr.diff()
    rows = torch.repeat_interleave(torch.arange(len(counts)), counts)
    keep = torch.ones(len(rows), dtype=torch.bool)
    if not keep_seen:
        seen_rows = torch.repeat_interleave(torch.arange(len(counts)), cases.seen_indptr.diff())
        keep = ~torch.isin(rows * n_items + cases.targets, seen_rows * n_items + cases.seen)
    left = torch.bincount(rows[keep], minlength=len(counts))
    return torch.cat([left.new_zeros(1), left.cumsum(0)]), cases.targets[keep] + 1


def check_targets(indptr: Tensor, part: str) -> None:
    """Refuse a part in which no user has a target left.

    Raises
    ------
    UserError
        Where none has one: what was to be found is all among the items the users already have.
    """
    if not bool((indptr.diff() > 0).any()):
        which = "validation" if part == "valid" else part
        raise UserError(
            f"no user has a {which} target that is not among their known items; the splits "
            "users-811 and FILE keep known items as candidates, --split none holds nothing back"
        )


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one model under one protocol.

    Attributes
    ----------
    protocol
        Split, part, candidates, whether seen items stayed, counts of users and of what was left
        out: all that is needed to repeat the measurement.
    users
        int64 ``[n]``, user_ix of the evaluated users, ascending.
    values
        ``{"recall@20": float64 [n], ...}``, one value for each user.
    ranked
        int64 ``[n, N]``, the lists as item numbers.
    quality, interests
        List quality and interest diagnostics (see ``diagnostics``), where computed.
    slices
        Recall of parts of the targets and users (see ``slices``), where computed; NaN for a user
        that is not in the part.
    """

    protocol: EvaluationProtocol
    users: Tensor
    values: dict[str, Tensor]
    ranked: Tensor
    quality: dict[str, float] = field(default_factory=dict)
    interests: InterestDiagnostics = field(default_factory=lambda: InterestDiagnostics())
    slices: dict[str, Tensor] = field(default_factory=dict)

    @property
    def means(self) -> dict[str, float]:
        """Mean of each metric over users."""
        return {name: float(value.mean()) for name, value in self.values.items()}

    @property
    def margins(self) -> dict[str, float]:
        """Half the width of the 95 % interval of each mean (normal, over users)."""
        return {name: _margin(value) for name, value in self.values.items()}

    def frame(self) -> pl.DataFrame:
        """Metrics as a frame: ``metric``, ``mean``, ``margin`` (half of the 95 % interval)."""
        import polars as pl

        margins = self.margins
        rows = [(name, mean, margins[name]) for name, mean in self.means.items()]
        schema = {"metric": pl.String, "mean": pl.Float64, "margin": pl.Float64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def __repr__(self) -> str:
        means = ", ".join(f"{name} {mean:.4f}" for name, mean in self.means.items())
        return f"<Evaluation of {len(self.users):,} users: {means}>"

    def _repr_html_(self) -> str:
        margins = self.margins
        return html_table([(n, f"{mean:.4f} ± {margins[n]:.4f}") for n, mean in self.means.items()])

    def slice_rows(self) -> list[tuple[str, int, float, float]]:
        """Name, users, mean and margin of each slice that has users."""
        rows = []
        for name, value in self.slices.items():
            inside = value[~value.isnan()]
            if len(inside):
                rows.append((name, len(inside), float(inside.mean()), _margin(inside)))
        return rows

    def to_json(self) -> dict[str, Any]:
        """Figures and protocol as a JSON object."""
        margins = {name: None if math.isnan(x) else x for name, x in self.margins.items()}
        return {
            "protocol": self.protocol,
            "metrics": {
                name: {"mean": mean, "margin95": margins[name]} for name, mean in self.means.items()
            },
            "quality": self.quality,
            "interests": self.interests,
            "slices": [
                {"part": name, "users": n, "mean": mean, "margin95": None if n < 2 else margin}
                for name, n, mean, margin in self.slice_rows()
            ],
        }


def _margin(value: Tensor) -> float:
    if len(value) < 2:
        return math.nan
    return float(1.96 * value.std(correction=1)) / math.sqrt(len(value))


def evaluate_scores(
    score: Scorer,
    dataset: Dataset,
    *,
    length: int,
    part: Literal["valid", "test"] = "test",
    ks: Sequence[int] = DEFAULT_KS,
    names: Sequence[str] = metrics.DEFAULT,
    keep_seen: bool | None = None,
) -> Evaluation:
    """Rank all items for all users with targets in a part, and measure.

    Parameters
    ----------
    score
        Histories → scores.
    dataset
        Histories and the split.
    length
        How many items of a history the model reads.
    part
        ``test``, or ``valid`` for choosing settings.
    ks, names
        Cut-offs and metrics.
    keep_seen
        Overrides the protocol's rule for seen items (recorded).

    Raises
    ------
    UserError
        Split ``none``, or no user with targets.
    """
    rule = keeps_seen(dataset.split.name)
    stay = rule if keep_seen is None else keep_seen
    cases = Sequences.from_dataset(dataset).eval_histories(part, length)
    return measure(score, cases, dataset, part=part, ks=ks, names=names, keep_seen=stay)


def measure(
    score: Scorer,
    cases: EvalHistories,
    dataset: Dataset,
    *,
    part: str,
    ks: Sequence[int],
    names: Sequence[str],
    keep_seen: bool,
) -> Evaluation:
    """Rank and measure on histories that are prepared already (see :func:`evaluate_scores`).

    Parameters
    ----------
    score
        Gives the scores of all items for a block of histories.
    cases, dataset
        Prepared users with their targets, and the data they are of.
    part
        Name of the part, for the protocol.
    ks, names
        Lengths of lists and kinds of metrics.
    keep_seen
        Whether items the user already has stay among the candidates.
    """
    indptr, targets = targets_of(cases, dataset.n_items, keep_seen=keep_seen)
    check_targets(indptr, part)
    ranked = rank(score, cases, dataset.n_items, max(ks), keep_seen=keep_seen)
    hits = metrics.hit_matrix(ranked, indptr, targets)
    evaluated = indptr.diff() > 0
    values = metrics.per_user(hits[evaluated], indptr.diff()[evaluated], ks, names)
    protocol: EvaluationProtocol = {
        "split": str(dataset.split),
        "part": part,
        "candidates": "all items",
        "items": dataset.n_items,
        "seen_items": "kept" if keep_seen else "removed",
        "users": int(evaluated.sum()),
        "targets": len(targets),
        "targets_dropped_as_seen": len(cases.targets) - len(targets),
        "users_without_history": cases.without_history,
    }
    return Evaluation(protocol, cases.users[evaluated], values, ranked[evaluated])
