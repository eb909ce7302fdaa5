"""Exemplars chosen among a sample of the users, and what they are worth to all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiler.selection.exemplars.sampling import stratified_sample

if TYPE_CHECKING:
    from profiler.config import BuildConfig
    from profiler.selection.exemplars.choose import Exemplars
    from store.data.dataset import Dataset


def draw_sample(
    dataset: Dataset,
    vectors: NDArray[np.float32],
    train: NDArray[np.int64],
    asked_before: Sequence[str],
    config: BuildConfig,
) -> tuple[NDArray[np.int64], int | None]:
    """Users that exemplars are chosen among, and how many: the share is one of all users."""
    asked = {dataset.user_index[one] for one in asked_before if one in dataset.user_index}
    rows = stratified_sample(
        vectors[train],
        np.diff(dataset.visible()[0])[train],
        config.exemplar_sample or len(train),
        keep=np.isin(train, sorted(asked)),
        seed=config.seed,
    )
    count = config.exemplars
    if count is None and config.preference is None and config.share is not None:
        with_text = int(np.any(vectors[train] != 0, axis=1).sum())
        count = max(1, round(config.share * with_text))
    return train[rows], count


def net_of_all(
    found: Exemplars, similarity: NDArray[np.floating], users: int, sampled: int
) -> float:
    """Net similarity over all users of exemplars that were chosen among some of them."""
    found.settings.setdefault("messages", []).append(
        f"exemplars were chosen among a sample of {sampled} of {users} users; all others joined "
        "the nearest"
    )
    distances = 2.0 * (np.asarray(similarity, dtype=np.float64) - 1.0)
    preference = found.settings.get("preference") or 0.0
    return float(np.nansum(distances) + preference * len(found.rows))
