"""A served model as pages need it: lists, lists without an interest, and what may be claimed.

It is what :class:`store.recommending.Recommending` asks for; the programs hand it to the profiler.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from recommender.serving.attribution import Split, split_scores
from recommender.serving.reasons import find_reason
from recommender.serving.service import Service
from store.errors import StoreError, UserError
from store.recommending import ReasonedItem
from store.views.interests.fitting import Fit, fitting_interests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.data.dataset import Dataset
    from store.store import Store


class StoreLists:
    """Lists for the users of a store.

    Parameters
    ----------
    model
        The model folder.
    store
        The store's path; it must hold what the model was trained on.

    Raises
    ------
    UserError
        For a folder without a model, or a store of other items.
    """

    def __init__(self, model: str | Path, store: str | Path) -> None:
        self._service = Service(model, store=store)
        if self._service.store is None or self._service.dataset is None:
            raise UserError(f"{model} cannot be served with {store}")
        self._store: Store = self._service.store
        self._data: Dataset = self._service.dataset

    @property
    def name(self) -> str:
        """The backbone."""
        return self._service.manifest.backbone

    @property
    def can_steer(self) -> bool:
        """Whether switching an interest off can change a list."""
        return self._service.steers()

    def recommend(
        self,
        user_id: str,
        k: int,
        *,
        without: Sequence[int] = (),
        more: Sequence[int] = (),
    ) -> list[str]:
        """Ids of the best items for a user, best first; fewer interests, or more of some.

        Raises
        ------
        UserError
            For an unknown user or interest.
        """
        found = self._service.recommend(user=user_id, k=k, without=without, more=more)
        return [one.item_id for one in found]

    def reasons(self, user_id: str, items: Sequence[str]) -> list[ReasonedItem]:
        """Why each item has its score for the user, in the order given.

        Raises
        ------
        UserError
            For an unknown user or item.
        """
        history, user_ix = self._service.history(user_id, None)
        unknown = [item for item in items if item not in self._service.index]
        if unknown:
            raise UserError(f"the model does not know item {unknown[0]!r}")
        if user_ix is None or not items:
            return []
        numbers = [self._service.index[item] for item in items]
        read = torch.from_numpy(np.asarray(history, dtype=np.int64) + 1)
        splits = split_scores(self._service.model, read, [number + 1 for number in numbers])
        fits = fitting_interests(self._store, user_ix, numbers, self._text_vectors)
        return [
            self._reasoned(split, fits[number])
            for split, number in zip(splits, numbers, strict=True)
        ]

    def close(self) -> None:
        """Close the store."""
        self._service.close()

    def _reasoned(self, split: Split, fits: Sequence[Fit]) -> ReasonedItem:
        of_item: dict[int, float] = defaultdict(float)  # an item may stand in a history twice
        for number, part in zip(split.history.tolist(), split.parts.tolist(), strict=True):
            of_item[number - 1] += part
        parts = sorted(of_item.items(), key=lambda one: (-one[1], one[0]))
        reason = find_reason(parts if split.how != "none" else [], fits)
        ids = self._data.item_ids
        return ReasonedItem(
            item_id=ids[split.item - 1],
            score=split.score,
            how=split.how,
            tier=reason.tier,
            because=tuple(ids[item] for item in reason.because),
            interest_id=None if reason.fit is None else reason.fit.group,
            similarity=None if reason.fit is None else reason.fit.similarity,
            parts=tuple((ids[item], part) for item, part in parts) if split.how != "none" else (),
            base=split.base,
        )

    @cached_property
    def _text_vectors(self) -> NDArray[np.float32] | None:
        try:
            return self._store.vectors.items()
        except StoreError:  # not encoded: an interest fits only what proves it
            return None
