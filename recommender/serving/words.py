"""The stored interests beside a served model: which fit, which lie near, what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from recommender.model_folder.projection import load_projection
from recommender.serving.attribution import Split, nearest_interests
from recommender.serving.results import NearInterest
from store.errors import StoreError
from store.views.interests.fitting import Fit, fitting_interests, interests_fitting_history
from store.views.interests.provenance import InterestOrigin, describe_interests, origins_of

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone
    from recommender.model_folder.manifest import Manifest
    from store.store import Store
    from store.tables.interests import Catalogue


class StoredWords:
    """Stored interests for the explanations of one model; each table is read on first use.

    Parameters
    ----------
    store
        The store the model is served with.
    model, manifest, folder
        The model, what it is, and where it lies.
    """

    def __init__(self, store: Store, model: Backbone, manifest: Manifest, folder: Path) -> None:
        self._store, self._model = store, model
        self._manifest, self._folder = manifest, folder

    @cached_property
    def catalogue(self) -> Catalogue | None:
        """The store's interests; None where there are none."""
        catalogue = self._store.interests.catalogue()
        return catalogue if len(catalogue.ids) else None

    @cached_property
    def projected(self) -> torch.Tensor | None:
        """The store's interests in the model's space, as the alignment learned them."""
        if self.catalogue is None:
            return None
        return load_projection(
            self._folder,
            self.catalogue.ids,
            self.catalogue.texts,
            width=self._model.d,
            digest=self._manifest.projection_digest,
        )

    def fitting(
        self, history: NDArray[np.integer[Any]], user_ix: int | None, items: Sequence[int]
    ) -> dict[int, list[Fit]]:
        """For each item, the person's interests that fit it by words, best first.

        Parameters
        ----------
        history
            item_ix, oldest first; it decides whose interests count where nobody is known by it.
        user_ix
            The user's number; None for a raw history.
        items
            item_ix.
        """
        if user_ix is None:
            return interests_fitting_history(
                self._store, history.tolist(), items, self._text_vectors
            )
        return fitting_interests(self._store, user_ix, items, self._text_vectors)

    def origins(self, interests: Sequence[int]) -> list[InterestOrigin]:
        """Words, evidence and origin of interests given by their ids, in that order."""
        return origins_of(self._store, interests)

    def nearest(self, split: Split, user_ix: int | None) -> tuple[list[NearInterest], str, str]:
        """Interests nearest in the model's own space, in which space, and out of whose.

        No reason is made of them: a model's nearest vector need not be about the item.
        """
        catalogue = self.catalogue
        if catalogue is None or split.how == "none":
            return [], "", ""
        candidates, chosen_from = np.arange(len(catalogue.ids)), "all"
        if user_ix is not None:
            indptr, rows = self._of_users
            own = rows[int(indptr[user_ix]) : int(indptr[user_ix + 1])]
            if len(own):
                candidates, chosen_from = own, "user"
        near = nearest_interests(
            split,
            self._model.item_embeddings().detach(),
            candidates,
            catalogue.indptr,
            catalogue.items.astype(np.int64),
            self.projected,
        )
        origins = describe_interests(self._store, catalogue, near.rows)
        described = [
            NearInterest(**vars(origin), similarity=similarity)
            for origin, similarity in zip(origins, near.similarities, strict=True)
        ]
        return described, near.space, chosen_from

    @cached_property
    def _of_users(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self._store.interests.of_users(self._manifest.method)

    @cached_property
    def _text_vectors(self) -> NDArray[np.float32] | None:
        try:
            return self._store.vectors.items()
        except StoreError:  # not encoded: an interest fits only what proves it
            return None
