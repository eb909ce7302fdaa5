"""A model at work: recommendations and explanations for stored users and raw histories.

Only explanations read interests, and only titles and stored users read the store; a raw history is
served from the model folder alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from recommender.data.categories import category_codes
from recommender.model_folder.artefacts import load_model
from recommender.model_folder.manifest import read_manifest
from recommender.model_folder.origin import open_origin
from recommender.model_folder.weights import load_item_ids
from recommender.serving.explainer import Explainer
from recommender.serving.results import Explanation, Recommendation
from recommender.serving.steering import can_steer, interest_vectors, steered
from recommender.serving.top_k import Ranked, history_of, known_history, recommend
from recommender.serving.words import StoredWords
from store.errors import UserError
from store.store import Store, open_store
from store.views.shared.near_names import similar_item

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

    from store.data.dataset import Dataset
    from store.tables.interests import Catalogue

BATCH = 1024


class Service:
    """A loaded model and, where there is one, its store.

    Parameters
    ----------
    model
        The model folder.
    store
        An open store or its path; None takes the one the model was trained on, if it is still
        there and of the same items. Where it is not, raw histories are served all the same, without
        titles and words, and ``without_store`` says why.

    Raises
    ------
    UserError
        For a folder without a model, or a ``store`` that is not there or of other items.
    """

    def __init__(self, model: str | Path, store: Store | str | Path | None = None) -> None:
        self.folder = Path(model)
        manifest = read_manifest(self.folder)
        self.method = manifest.method
        self.without_store = ""
        self._owns_store = not isinstance(store, Store)
        self.store: Store | None = None
        self.dataset: Dataset | None = None
        try:
            if store is None:
                self.store = open_origin(self.folder, manifest.store)
            else:
                self.store = store if isinstance(store, Store) else open_store(store)
            self.dataset = self.store.datasets.load()
            self.model, self.manifest = load_model(self.folder, dataset=self.dataset)
        except UserError as problem:
            self.close()
            if store is not None:
                raise
            self.store, self.dataset, self.without_store = None, None, str(problem)
            self.model, self.manifest = load_model(self.folder)
        self.item_ids = (
            load_item_ids(self.folder, manifest) if self.dataset is None else self.dataset.item_ids
        )
        self.index = {item_id: ix for ix, item_id in enumerate(self.item_ids)}

    @cached_property
    def codes(self) -> torch.Tensor:
        """Category of each item, for diversity."""
        return category_codes(self._need("diversity").categories)

    @cached_property
    def words(self) -> StoredWords | None:
        """The stored interests; None where there is no store."""
        if self.store is None:
            return None
        return StoredWords(self.store, self.model, self.manifest, self.folder)

    @property
    def catalogue(self) -> Catalogue | None:
        """The store's interests; None where there are none."""
        return None if self.words is None else self.words.catalogue

    @property
    def projected(self) -> torch.Tensor | None:
        """The store's interests in the model's space, as the alignment learned them."""
        return None if self.words is None else self.words.projected

    @cached_property
    def explainer(self) -> Explainer:
        """What says why."""
        titles = None if self.dataset is None else self.dataset.titles
        new = self.manifest.training.get("new_items", ())
        return Explainer(self.model, self.item_ids, titles, self.words, new)

    def _need(self, what: str) -> Dataset:
        if self.dataset is None:
            raise UserError(f"{what} needs the store: {self.without_store}")
        return self.dataset

    def history(
        self, user: str | None, history: Sequence[str] | None
    ) -> tuple[NDArray[np.integer[Any]], int | None]:
        """Item_ix of a stored user or a raw history, and the user's number if it is stored.

        Raises
        ------
        UserError
            Where neither or both are given, or something in them is unknown.
        """
        if (user is None) == (history is None):
            raise UserError("give either `user` or `history`")
        if history is not None:
            unknown = (
                [] if isinstance(history, str) else [i for i in history if i not in self.index]
            )
            if unknown and (near := self.like_item(unknown[0])):
                raise UserError(f"the model does not know item {unknown[0]!r}{near}")
            return history_of(history, self.index), None
        dataset = self._need(f"user {user!r}")
        return known_history(dataset, str(user)), dataset.user_index[str(user)]

    def notes(self, diversity: float = 0.0) -> list[str]:
        """What whoever reads an answer should know: what it is without, what changes nothing."""
        notes = []
        if self.without_store:
            notes.append(f"without titles and words: {self.without_store}")
        if diversity and len(set(self.codes.tolist())) == len(self.codes):
            notes.append("no two items have the same categories, so diversity changes nothing")
        return notes

    def recommend(
        self,
        *,
        user: str | None = None,
        history: Sequence[str] | None = None,
        k: int = 10,
        filter_seen: bool = True,
        diversity: float = 0.0,
        explain: bool = False,
        without: Sequence[int] = (),
        more: Sequence[int] = (),
    ) -> list[Recommendation]:
        """Best items, best first.

        Parameters
        ----------
        user, history
            A stored user, or item ids, oldest first.
        k
            Items wanted.
        filter_seen
            Leave out what the history holds.
        diversity
            Weight of different categories; 0 is off.
        explain
            Say why each item has its score; the reasons are those of the plain score.
        without, more
            Interests of the store to leave out and to ask for more of: the scores are re-weighted
            by the interest's vector in the model's space (:mod:`recommender.serving.steering`).

        Raises
        ------
        UserError
            For an unknown user, item or interest, or choices that exclude each other.
        """
        items, user_ix = self.history(user, history)
        if without or more:
            if diversity:
                raise UserError("diversity and without or more exclude each other; choose one")
            ranked = self._steered(items, k, without, more, filter_seen=filter_seen)
        else:
            codes = self.codes if diversity > 0 else None
            ranked = recommend(
                self.model, [items], k, filter_seen=filter_seen, diversity=diversity, codes=codes
            )
        numbers = [number for number in ranked.items[0].tolist() if number]
        reasons: list[Explanation] | list[None] = [None] * len(numbers)
        if explain:
            reasons = self.explainer.explain(items, user_ix, [n - 1 for n in numbers])
        return [
            Recommendation(
                rank=place + 1,
                item_id=self.item_ids[number - 1],
                title=self._title(number),
                score=float(ranked.scores[0, place]),
                interest=int(ranked.interests[0, place]),
                explanation=reasons[place],
            )
            for place, number in enumerate(numbers)
        ]

    def _steered(
        self,
        items: NDArray[np.integer[Any]],
        k: int,
        without: Sequence[int],
        more: Sequence[int],
        *,
        filter_seen: bool,
    ) -> Ranked:
        off, wanted = self.vectors_of(without), self.vectors_of(more)
        if not can_steer(self.model):
            return recommend(self.model, [items], k, filter_seen=filter_seen)
        return steered(self.model, items, k, off=off, more=wanted, filter_seen=filter_seen)

    def vectors_of(self, interests: Sequence[int]) -> torch.Tensor:
        """Vectors of interests of the store in the model's space, float32 ``[n, d]``.

        Raises
        ------
        UserError
            For one that is not in use.
        """
        table = self.model.item_embeddings().detach()
        catalogue = self.catalogue
        known = {} if catalogue is None else {int(i): row for row, i in enumerate(catalogue.ids)}
        unknown = [interest for interest in interests if interest not in known]
        if unknown:
            raise UserError(
                f"no interest {unknown[0]} is in use; profiler interests lists their ids"
            )
        if catalogue is None:
            return torch.zeros(0, table.shape[1])
        return interest_vectors(
            table,
            [known[interest] for interest in interests],
            catalogue.indptr,
            catalogue.items.astype(np.int64),
            self.projected,
        )

    def like_item(self, item: str) -> str:
        """Return ``; did you mean …?`` with items of a similar id or title, or nothing."""
        titles = [None] * len(self.item_ids) if self.dataset is None else self.dataset.titles
        return similar_item(
            item, [(one, title or "") for one, title in zip(self.item_ids, titles, strict=True)]
        )

    def steers(self) -> bool:
        """Whether leaving an interest out can change a list: popularity has no such space."""
        return can_steer(self.model)

    def explain(
        self, item: str, *, user: str | None = None, history: Sequence[str] | None = None
    ) -> Explanation:
        """Why an item has its score, whether or not it would be recommended.

        Raises
        ------
        UserError
            For an item that the model does not know, an unknown user, or an empty history.
        """
        items, user_ix = self.history(user, history)
        if item not in self.index:
            raise UserError(
                f"the model does not know item {item!r}{self.like_item(item)}; there is nothing to "
                "explain"
            )
        return self.explainer.explain(items, user_ix, [self.index[item]])[0]

    def users(self) -> list[str]:
        """Users of the store that have a history."""
        dataset = self._need("a list of users")
        counts = np.diff(dataset.known()[0])
        return [user for user, n in zip(dataset.user_ids, counts, strict=True) if n]

    def batch(
        self, users: Sequence[str] | None, k: int, *, filter_seen: bool = True
    ) -> Iterator[dict[str, list[Any]]]:
        """Recommendations of many users as columns, block by block; all known users by default."""
        dataset = self._need("batch output")
        chosen = self.users() if users is None else list(users)
        for start in range(0, len(chosen), BATCH):
            block = chosen[start : start + BATCH]
            ranked = recommend(
                self.model,
                [known_history(dataset, user) for user in block],
                k,
                filter_seen=filter_seen,
            )
            rows, ranks = (ranked.items > 0).nonzero(as_tuple=True)
            yield {
                "user_id": [block[row] for row in rows.tolist()],
                "rank": (ranks + 1).tolist(),
                "item_id": [self.item_ids[n - 1] for n in ranked.items[rows, ranks].tolist()],
                "score": ranked.scores[rows, ranks].tolist(),
                "interest": ranked.interests[rows, ranks].tolist(),
            }

    def _title(self, number: int) -> str | None:
        return None if self.dataset is None else self.dataset.titles[number - 1]

    def close(self) -> None:
        """Close the store, where it was opened here."""
        if self.store is not None and self._owns_store:
            self.store.close()

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
