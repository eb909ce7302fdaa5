"""A served model as pages need it: lists, lists without an interest, and what may be claimed.

It is what :class:`store.recommending.Recommending` asks for; the programs hand it to the profiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recommender.serving.service import Service
from store.errors import UserError
from store.recommending import ReasonedItem

if TYPE_CHECKING:
    from recommender.serving.explainer import Explained
    from store.data.dataset import Dataset


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
        self._take(Service(model, store=store))

    def _take(self, service: Service) -> None:
        if service.store is None or service.dataset is None:
            raise UserError(f"{service.folder} has no store to make lists of")
        self._service = service
        self._data: Dataset = service.dataset

    @classmethod
    def of(cls, service: Service) -> StoreLists:
        """Lists of a model that is at work already.

        Raises
        ------
        UserError
            If it works without a store.
        """
        made = cls.__new__(cls)
        made._take(service)
        return made

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
        return [
            self._reasoned(explained)
            for explained in self._service.explainer.reasons(history, user_ix, numbers)
        ]

    def close(self) -> None:
        """Close the store."""
        self._service.close()

    def _reasoned(self, explained: Explained) -> ReasonedItem:
        split, reason, ids = explained.split, explained.reason, self._data.item_ids
        return ReasonedItem(
            item_id=ids[split.item - 1],
            score=split.score,
            how=split.how,
            tier=reason.tier,
            because=tuple(ids[item] for item in reason.because),
            interest_id=None if reason.fit is None else reason.fit.group,
            similarity=None if reason.fit is None else reason.fit.similarity,
            parts=tuple((ids[item], part) for item, part in explained.parts),
            base=split.base,
        )
