"""Items hidden from training, so that it can be measured how new items are recommended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from store.data.csr import starts
from store.data.splits import Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.data.dataset import Dataset


def hidden_items(dataset: Dataset, share: float, seed: int) -> NDArray[np.bool_]:
    """Draw a share of the items that training interactions have, bool ``[V]``.

    The draw depends on the items' ids and the seed, not on their order in the store.
    """
    with_training = np.flatnonzero(dataset.training_counts() > 0)
    ordered = sorted(with_training.tolist(), key=lambda ix: dataset.item_ids[ix])
    order = np.random.default_rng(seed).permutation(len(ordered))
    hidden = np.zeros(dataset.n_items, dtype=bool)
    hidden[np.array(ordered, dtype=np.int64)[order[: round(share * len(ordered))]]] = True
    return hidden


def new_items(dataset: Dataset, share: float, seed: int) -> list[str]:
    """Ids of the items that a training with this share hidden does not see."""
    seen = without_items(dataset, hidden_items(dataset, share, seed)).training_counts() > 0
    return [name for name, known in zip(dataset.item_ids, seen, strict=True) if not known]


def without_items(dataset: Dataset, hidden: NDArray[np.bool_]) -> Dataset:
    """The data set in which nobody took the hidden items; they stay in the catalogue."""
    return _kept(dataset, ~hidden[dataset.items])


def only_hidden_targets(dataset: Dataset, hidden: NDArray[np.bool_]) -> Dataset:
    """Histories without the hidden items, and of the held-out targets only the hidden ones.

    Targets of validation and of the test become test targets: neither saw a hidden item.
    """
    target = np.isin(dataset.parts, [int(Part.VALID), int(Part.TEST)])
    parts = dataset.parts.copy()
    parts[target] = int(Part.TEST)
    return _kept(replace(dataset, parts=parts), target == hidden[dataset.items])


def _kept(dataset: Dataset, keep: NDArray[np.bool_]) -> Dataset:
    owner = np.repeat(np.arange(dataset.n_users), np.diff(dataset.indptr))[keep]
    return replace(
        dataset,
        indptr=starts(np.bincount(owner, minlength=dataset.n_users)),
        items=dataset.items[keep],
        timestamps=dataset.timestamps[keep],
        parts=dataset.parts[keep],
    )
