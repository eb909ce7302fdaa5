"""Lists of a model for users of today, against what they took; what the lists hold and say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender.serving.service import Service
from recommender.serving.top_k import recommend
from store.errors import StoreError

if TYPE_CHECKING:
    from recommender.backbones.base import Backbone
    from recommender.warm.events import Cases
    from store.data.dataset import Dataset
    from store.store import Store

K = 50
SHOWN = 10
BATCH = 512
EXPLAINED_USERS = 100


@dataclass(frozen=True)
class Lists:
    """The lists of users, against what they took.

    Attributes
    ----------
    hits
        bool ``[users, 50]``: whether the user took the item at this place of the list.
    sizes
        ``[users]``, distinct items that each took.
    shown, vectors
        Item number of every place of the lists of ten, and the interest vector that led to it.
    """

    hits: NDArray[np.bool_]
    sizes: NDArray[np.int64]
    shown: NDArray[np.int64]
    vectors: NDArray[np.int64]

    @classmethod
    def of(cls, model: Backbone, cases: Cases, *, keep_seen: bool) -> Lists:
        """Make the lists of all cases, block by block."""
        hits, shown, vectors = [], [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        width = min(K, model.n_items)
        for start in range(0, len(cases.users), BATCH):
            ranked = recommend(
                model, cases.histories[start : start + BATCH], width, filter_seen=not keep_seen
            )
            items = ranked.items.numpy()
            wanted = cases.targets[start : start + BATCH]
            hits += [
                np.isin(row, own + 1) & (row > 0) for row, own in zip(items, wanted, strict=True)
            ]
            first = items[:, :SHOWN]
            shown.append(first[first > 0])
            vectors.append(ranked.interests.numpy()[:, :SHOWN][first > 0])
        table = np.stack(hits) if hits else np.zeros((0, width), dtype=bool)
        return cls(table, cases.sizes, np.concatenate(shown), np.concatenate(vectors))

    def _of_users(self, k: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self.hits[:, :k].sum(axis=1) / self.sizes
        return found

    def recall(self, k: int) -> float | None:
        """Mean over users; None where there are none."""
        return float(self._of_users(k).mean()) if len(self.sizes) else None

    def margin(self, k: int) -> float | None:
        """Half of the 95 % interval of the mean."""
        if len(self.sizes) < 2:
            return None
        return float(1.96 * self._of_users(k).std(ddof=1) / math.sqrt(len(self.sizes)))

    def coverage(self, n_items: int) -> float:
        """Share of the items that stand in some list."""
        return len(np.unique(self.shown)) / n_items

    def dead_vectors(self, number: int) -> float | None:
        """Share of the vectors that lead to less than one in a hundred items."""
        if number < 2 or not len(self.vectors):
            return None
        counts = np.bincount(self.vectors, minlength=number)
        return float((counts < 0.01 * counts.sum()).mean())


def popular_recall(
    dataset: Dataset, index: dict[str, int], cases: Cases, *, keep_seen: bool
) -> float | None:
    """Recall@50 of the items that most training interactions have."""
    if not cases.users:
        return None
    order = np.argsort(-dataset.training_counts(), kind="stable")
    best = np.array([index.get(dataset.item_ids[ix], -1) for ix in order.tolist()])
    best = best[best >= 0]
    recalls = []
    for history, wanted, size in zip(cases.histories, cases.targets, cases.sizes, strict=True):
        most = best[: K + (0 if keep_seen else len(history))]
        listed = most if keep_seen else most[~np.isin(most, history)][:K]
        recalls.append(np.isin(listed[:K], wanted).sum() / size)
    return float(np.mean(recalls))


def dead_interests(store: Store, cases: Cases) -> float | None:
    """Share of the interests in use of whose evidence nothing was taken."""
    catalogue = store.interests.catalogue()
    sizes = np.diff(catalogue.indptr)
    if not (sizes > 0).any():
        return None
    hit = np.isin(catalogue.items, cases.taken)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    alive = np.bincount(owner, weights=hit, minlength=len(sizes)) > 0
    return float(1 - alive[sizes > 0].mean())


def explained_share(folder: Path, store: Store, cases: Cases, *, keep_seen: bool) -> float | None:
    """Share of some users' lists in which a stored interest of the user fits an item."""
    if not len(store.interests.catalogue().ids):
        return None
    try:
        service = Service(folder, store)
    except StoreError:  # the store has grown: the reasons would be of other items
        return None
    known = set(service.users())
    users = [user for user in cases.users if user in known]
    chosen = [
        users[at]
        for at in np.linspace(0, len(users) - 1, min(EXPLAINED_USERS, len(users))).astype(int)
    ]
    fits = []
    for user in chosen:
        found = service.recommend(user=user, k=SHOWN, filter_seen=not keep_seen, explain=True)
        tiers = {one.explanation.reason.tier for one in found if one.explanation is not None}
        fits.append(bool(tiers & {"shows", "fits"}))
    return float(np.mean(fits)) if fits else None
