"""Everything the checks of the quality view judge, measured once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiler.quality.measures import mean_pairwise_cosine
from profiler.quality.predictive import ranked
from profiler.reporting.checks.facts import (
    Closeness,
    Coverage,
    HiddenFit,
    closeness,
    coverage,
    hidden_fit,
)
from store.errors import StoreError
from store.views.atlas import count_users, grounded_interests

if TYPE_CHECKING:
    from profiler.reporting.checks.model_scores import ModelScore
    from profiler.reporting.map.atlas import Atlas
    from store.data.dataset import Dataset
    from store.store import Store

Recalls = Mapping[str, Sequence[float | None]]

RANKED = 50
"""Length of the rankings of the hidden-event check."""


@dataclass(frozen=True)
class Measured:
    """Everything the checks judge.

    Attributes
    ----------
    interests, written
        Merged interests, and interests as they were written.
    grounded
        Share of interests with evidence, all of it shown; None without interests.
    distinct
        Mean cosine of the words of each subject's interests; None where none has two.
    ranked
        Recall of each user by ranking (:func:`profiler.quality.evaluate_store.ranked`), and k.
    score
        Of the model whose lists are shown.
    model
        Whether there is one.
    """

    people: int
    items: int
    interests: int
    written: int
    grounded: float | None
    distinct: float | None
    coverage: Coverage
    hidden: HiddenFit | None
    closeness: Closeness
    ranked: Recalls | None
    k: int
    score: ModelScore | None
    model: bool


def measure(
    store: Store,
    dataset: Dataset,
    atlas: Atlas,
    *,
    seed: int = 0,
    model: bool = False,
    score: ModelScore | None = None,
) -> Measured:
    """Measure the interests of a store.

    Parameters
    ----------
    store, dataset, atlas
        The store, its data, and its merged interests.
    seed
        Decides the sample of users where there are many.
    model, score
        Whether there is a trained model, and what was measured of it.
    """
    there = bool(len(atlas.groups)) and bool(dataset.n_users)
    items = _item_vectors(store) if there else None
    grounded, written = grounded_interests(store)
    return Measured(
        people=count_users(store),
        items=dataset.n_items,
        interests=len(atlas.groups) + atlas.hidden,
        written=written,
        grounded=grounded / written if written else None,
        distinct=_distinct(store) if items is not None else None,
        coverage=coverage(dataset, atlas.own),
        hidden=None if items is None else hidden_fit(dataset, atlas.groups, items, seed),
        closeness=closeness(store),
        ranked=None if items is None else ranked(store, k=RANKED, seed=seed),
        k=RANKED,
        score=score,
        model=model,
    )


def _item_vectors(store: Store) -> NDArray[np.float32] | None:
    """Vectors of the items' texts; None where some are not encoded, as in an unfinished build."""
    try:
        store.vectors.interests()
        return store.vectors.items()
    except StoreError:
        return None


def _distinct(store: Store) -> float | None:
    """Mean likeness of the words of the interests of one subject."""
    subjects = store.interests.catalogue().subject_ids
    _, vectors = store.vectors.interests()
    found = [
        value
        for subject in np.unique(subjects)
        if (value := mean_pairwise_cosine(vectors[subjects == subject])) is not None
    ]
    return float(np.mean(found)) if found else None
