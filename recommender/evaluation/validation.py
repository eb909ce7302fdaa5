"""How good a model is while it trains: the validation part, ranked in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from recommender.data.sequences import Sequences
from recommender.evaluation import metrics, ranking
from store.errors import UserError

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone
    from store.data.dataset import Dataset

LAST = "step"
"""The metric to monitor where nothing is held back: the later weights are the better ones."""
MONITOR, FEW_ITEMS, MONITOR_FEW = "recall@50", 100, "ndcg@10"
"""Among so few items nearly every list of 50 holds the target, whatever the model."""


def make_evaluator(
    dataset: Dataset, length: int, monitor: str | None = None
) -> tuple[Callable[[Backbone], dict[str, float]], str]:
    """Validation of a model while it trains, and the metric that decides.

    A store built with ``--split none`` holds nothing back: the last weights are then kept, by
    monitoring the step itself.

    Parameters
    ----------
    monitor
        Such as ``ndcg@20``; None is Recall@50, or NDCG@10 where there are 100 items or fewer.

    Raises
    ------
    UserError
        For a metric that does not exist, or one to monitor where nothing is held back; where no
        validation user has a target left.
    """
    if dataset.split.name == "none":
        if monitor not in (None, LAST):
            raise UserError(
                f"training.monitor {monitor!r}: the store was built with --split none and holds "
                "nothing back to measure on; leave the setting out"
            )
        return lambda model: {}, LAST
    chosen = monitor or (MONITOR if dataset.n_items > FEW_ITEMS else MONITOR_FEW)
    kind, k = metrics.parse_metric(str(chosen))
    cases = Sequences.from_dataset(dataset).eval_histories("valid", length)
    keep_seen = ranking.keeps_seen(dataset.split.name)
    indptr, _ = ranking.targets_of(cases, dataset.n_items, keep_seen=keep_seen)
    ranking.check_targets(indptr, "valid")  # before any training

    def validate(model: Backbone) -> dict[str, float]:
        return ranking.measure(
            ranking.scorer_of(model),
            cases,
            dataset,
            part="valid",
            ks=sorted({*ranking.DEFAULT_KS, k}),
            names=list(dict.fromkeys([*metrics.DEFAULT, kind])),
            keep_seen=keep_seen,
        ).means

    return validate, chosen
