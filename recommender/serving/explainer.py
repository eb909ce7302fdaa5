"""Explanations of scores: what each item of the history gave, and the stored interests nearest.

How a score is split stands in :mod:`recommender.serving.attribution`; here the numbers get their
titles and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from recommender.serving.attribution import Split, nearest_interests, split_scores
from recommender.serving.results import Explanation, ItemPart, NearInterest
from store.views.interests.provenance import describe_interests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone
    from store.store import Store
    from store.tables.interests import Catalogue, Method


@dataclass(frozen=True)
class StoredWords:
    """The interests of a store, for naming what a model found.

    Attributes
    ----------
    store, catalogue
        The open store and its interests in use.
    method
        Which interests are a user's: ``exemplar`` or ``catalogue``.
    projected
        float32 ``[interests, d]`` in the model's space; None where no alignment learned one.
    """

    store: Store
    catalogue: Catalogue
    method: Method
    projected: torch.Tensor | None

    @cached_property
    def of_users(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the catalogue for every user, as CSR."""
        return self.store.interests.of_users(self.method)


class Explainer:
    """Explains the scores of one model.

    Parameters
    ----------
    model
        In evaluation mode.
    item_ids, titles
        Of the model's items by item_ix; titles None without a store.
    words
        The store's interests; None where there are none.
    """

    def __init__(
        self,
        model: Backbone,
        item_ids: Sequence[str],
        titles: Sequence[str | None] | None,
        words: StoredWords | None,
    ) -> None:
        self._model = model
        self._item_ids = item_ids
        self._titles = titles
        self._words = words

    def explain(
        self, items: NDArray[np.integer[Any]], user_ix: int | None, numbers: Sequence[int]
    ) -> list[Explanation]:
        """Explain the scores of items for one history.

        Parameters
        ----------
        items
            The history as item_ix, oldest first.
        user_ix
            The user, if stored: then the user's own interests are named, if there are any.
        numbers
            Item numbers of the model, 1 … V.

        Raises
        ------
        UserError
            For an empty history or an item that the model does not have.
        """
        history = torch.from_numpy(np.asarray(items, dtype=np.int64) + 1)
        splits = split_scores(self._model, history, numbers)
        return [self._explanation(split, user_ix) for split in splits]

    def _title(self, number: int) -> str | None:
        return None if self._titles is None else self._titles[number - 1]

    def _explanation(self, split: Split, user_ix: int | None) -> Explanation:
        order = split.parts.argsort(descending=True, stable=True).tolist()
        history = split.history.tolist()
        parts = [
            ItemPart(
                item_id=self._item_ids[history[place] - 1],
                title=self._title(history[place]),
                part=float(split.parts[place]),
            )
            for place in order
        ]
        semantic, compared_in, chosen_from = self._semantic(split, user_ix)
        return Explanation(
            item_id=self._item_ids[split.item - 1],
            title=self._title(split.item),
            score=split.score,
            interest=split.interest,
            interests=self._model.k,
            how=split.how,
            base=split.base,
            parts=parts,
            semantic=semantic,
            compared_in=compared_in,
            chosen_from=chosen_from,
        )

    def _semantic(self, split: Split, user_ix: int | None) -> tuple[list[NearInterest], str, str]:
        """The words: interests near the split's, in which space, from whose."""
        words = self._words
        if words is None or split.how == "none":
            return [], "", ""
        catalogue = words.catalogue
        candidates, chosen_from = np.arange(len(catalogue.ids)), "all"
        if user_ix is not None:
            indptr, rows = words.of_users
            own = rows[int(indptr[user_ix]) : int(indptr[user_ix + 1])]
            if len(own):
                candidates, chosen_from = own, "user"
        near = nearest_interests(
            split,
            self._model.item_embeddings().detach(),
            candidates,
            catalogue.indptr,
            catalogue.items.astype(np.int64),
            words.projected,
        )
        origins = describe_interests(words.store, catalogue, near.rows)
        named = [
            NearInterest(**vars(origin), similarity=similarity)
            for origin, similarity in zip(origins, near.similarities, strict=True)
        ]
        return named, near.space, chosen_from
