"""Groups of a subject's items by the vectors in a store, the same whenever they are made.

Questions about groups are addressed by their titles, and answers are paid for. So the mean of the
catalogue, which is part of how items are compared, is kept with the store when groups are first
made of it: items that come later move no group of a subject that has none of them.
"""

from __future__ import annotations

import base64
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from profiler.offline.grouping import THRESHOLD, centred, groups_of, mean_of
from profiler.shown import ShownItem, ShownSubject
from store.store import Store

_MEAN = "grouping_mean"


class StoredGroups:
    """Groups of subjects of one store.

    Parameters
    ----------
    store
        With the vectors of its items.
    max_groups
        Most groups of a subject.
    """

    def __init__(self, store: Store, max_groups: int) -> None:
        self._store, self._most = store, max_groups
        self._known: dict[str, tuple[tuple[ShownItem, ...], list[list[ShownItem]]]] = {}

    def of(self, subject: ShownSubject) -> list[list[ShownItem]]:
        """Groups of a subject's items, the largest first, each with its most typical items first.

        Of a synthetic user every item with text is in a group; of others, items that are like no
        other stay out. Where no item has text there is one group, of all.
        """
        items, groups = self._known.get(subject.name, ((), []))
        if items != subject.items:
            groups = self._groups(subject)
            self._known[subject.name] = subject.items, groups
        return groups

    def rest(self, subject: ShownSubject) -> list[ShownItem]:
        """Items of a synthetic user that are in no group, since they have no text."""
        if subject.kind != "synthetic":
            return []
        grouped = {item.item_ix for group in self.of(subject) for item in group}
        return [item for item in subject.items if item.item_ix not in grouped]

    def _groups(self, subject: ShownSubject) -> list[list[ShownItem]]:
        # The order in which items are shown decides nothing.
        items = sorted(subject.items, key=lambda item: (item.item_ix, item.item_id))
        vectors = centred(self._vectors[[item.item_ix for item in items]], self._mean)
        synthetic = subject.kind == "synthetic"
        without = synthetic and not np.all(np.any(vectors != 0, axis=1))
        most = max(1, self._most - int(without))
        rows = groups_of(vectors, THRESHOLD, most, singles=synthetic)
        return [[items[row] for row in group] for group in rows] or [items]

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return self._store.vectors.items()

    @cached_property
    def _mean(self) -> NDArray[np.float32]:
        made_with = [self._store.vectors.encoder(), self._store.meta("item_text")]
        known = self._store.meta(_MEAN)
        if known is not None and known["made_with"] == made_with:
            return np.frombuffer(base64.b64decode(known["mean"]), dtype="<f4").astype(np.float32)
        mean = mean_of(self._vectors)
        if not self._store.read_only:
            text = base64.b64encode(mean.astype("<f4").tobytes()).decode()
            self._store.set_meta(**{_MEAN: {"made_with": made_with, "mean": text}})
        return mean
