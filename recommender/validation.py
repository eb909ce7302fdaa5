"""How good a model is while it trains: the validation part, ranked in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from recommender import evaluation, metrics
from recommender.sequences import Sequences

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone
    from recommender.projection import Snapshot
    from store.dataset import Dataset


def make_evaluator(
    dataset: Dataset, length: int, snapshot: Snapshot | None = None
) -> tuple[Callable[[Backbone], dict[str, float]], str]:
    """Validation of a model while it trains, and the metric that decides.

    A store built with ``--split none`` holds nothing back: the last weights are then kept, by
    monitoring the number of the evaluation itself.
    """
    if dataset.split.name == "none":
        count = 0

        def number(model: Backbone) -> dict[str, float]:
            nonlocal count
            count += 1
            if snapshot is not None:
                snapshot.see(float(count))
            return {"evaluation": float(count)}

        return number, "evaluation"
    cases = Sequences.from_dataset(dataset).eval_histories("valid", length)
    keep_seen = evaluation.keeps_seen(dataset.split.name)

    def validate(model: Backbone) -> dict[str, float]:
        found = evaluation.measure(
            evaluation.scorer_of(model),
            cases,
            dataset,
            part="valid",
            ks=evaluation.DEFAULT_KS,
            names=metrics.DEFAULT,
            keep_seen=keep_seen,
        ).means
        if snapshot is not None:
            snapshot.see(found["recall@50"])
        return found

    return validate, "recall@50"
