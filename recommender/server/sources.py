"""Where the service has histories, titles and words from: a store, a published database, nothing.

Users are looked up anew for each request, so that whoever was forgotten is unknown at once.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from recommender.model_folder.artefacts import load_model
from recommender.model_folder.weights import load_item_ids
from recommender.server.contract import ExplanationAnswer, InterestAnswer, PartAnswer
from recommender.server.errors import ServiceError
from recommender.serving.explainer import Explainer
from recommender.serving.service import Service
from store.data.splits import Part
from store.errors import StoreError, UserError
from store.tables.histories.door import Histories
from store.views.subjects.users import find_user

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone
    from recommender.model_folder.manifest import Manifest
    from recommender.serving.results import Explanation
    from store.publishing.reader import PublishedDatabase

_KNOWN = (Part.TRAIN, Part.INPUT)


class Source(ABC):
    """A model with what is known of users and items beside it.

    Attributes
    ----------
    model, manifest, item_ids
        The model, what it is, and its items by item_ix.
    name
        What it is called in ``/health``.
    """

    model: Backbone
    manifest: Manifest
    item_ids: list[str]
    name: str

    def history(self, user: str | None, items: Sequence[str] | None) -> NDArray[np.int64]:
        """Return item_ix of a user or of a raw history, the oldest first.

        Raises
        ------
        ServiceError
            For an unknown user or item, or a user without a history.
        """
        if user is not None:
            items = [one for one in self.items_of(user) if one in self.index]
            if not items:
                raise ServiceError("no_history", f"nothing is known of user {user!r}")
        return np.array([self.number_of(item) for item in items or ()], dtype=np.int64)

    def number_of(self, item: str) -> int:
        """item_ix of an item.

        Raises
        ------
        ServiceError
            If the model does not know it.
        """
        if item not in self.index:
            raise ServiceError("unknown_item", f"the model does not know item {item!r}")
        return self.index[item]

    @property
    def index(self) -> dict[str, int]:
        """item_ix by id."""
        found: dict[str, int] | None = self.__dict__.get("_index")
        if found is None:
            found = {item: ix for ix, item in enumerate(self.item_ids)}
            self.__dict__["_index"] = found
        return found

    @abstractmethod
    def items_of(self, user: str) -> list[str]:
        """Item ids of a user's history; a :class:`ServiceError` where there is no such user."""

    @abstractmethod
    def titles(self, items: Sequence[str]) -> dict[str, str | None]:
        """Titles of items, where there are any."""

    @abstractmethod
    def sentences(
        self, user: str | None, history: NDArray[np.int64], items: Sequence[str]
    ) -> dict[str, str]:
        """Why each item has its score, in words."""

    @abstractmethod
    def explain(self, user: str | None, history: NDArray[np.int64], item: str) -> ExplanationAnswer:
        """Why one item has its score, with what each item of the history gave."""

    def version(self) -> int | None:
        """Version of what is published; None where nothing is."""
        return None

    @abstractmethod
    def close(self) -> None:
        """Let go of what was opened."""


class StoreSource(Source):
    """The store, or nothing where the model's store is gone: then raw histories are served.

    Parameters
    ----------
    folder
        The model.
    store
        Its store; None takes the one the model was trained on.
    """

    def __init__(self, folder: Path, store: Path | None) -> None:
        self._service = Service(folder, store=store)
        self.model, self.manifest = self._service.model, self._service.manifest
        self.item_ids = self._service.item_ids
        self.name = "store" if self._service.store is not None else "none"
        self._lock = threading.Lock()
        self._seen: list[Any] = []

    def items_of(self, user: str) -> list[str]:
        """Item ids of a user's known history, read anew."""
        store = self._service.store
        if store is None:
            raise ServiceError("unknown_user", "users are unknown: the model's store is not there")
        with store.read() as connection:
            try:
                user_ix = find_user(connection, user, store).user_ix
            except StoreError:
                raise ServiceError("unknown_user", f"there is no user {user!r}") from None
            numbers = Histories(connection).items_of(user_ix, _KNOWN)
        return [self.item_ids[number] for number in numbers]

    def titles(self, items: Sequence[str]) -> dict[str, str | None]:
        """Titles of the store."""
        data = self._service.dataset
        return {} if data is None else {one: data.titles[self.index[one]] for one in items}

    def sentences(
        self, user: str | None, history: NDArray[np.int64], items: Sequence[str]
    ) -> dict[str, str]:
        """Sentences as ``recommender recommend --explain`` says them."""
        found = self._explain(user, history, items)
        return {one.item_id: one.sentence for one in found}

    def explain(self, user: str | None, history: NDArray[np.int64], item: str) -> ExplanationAnswer:
        """What ``recommender explain`` says."""
        (found,) = self._explain(user, history, [item])
        named = found.reason.interest
        interest = None
        if named is not None:
            interest = InterestAnswer(interest_id=named.interest_id, label=named.label)
        return answer_of(user, found, found.sentence, interest)

    def _explain(
        self, user: str | None, history: NDArray[np.int64], items: Sequence[str]
    ) -> list[Explanation]:
        service, user_ix = self._service, None
        if user is not None and service.store is not None:
            with service.store.read() as connection:
                user_ix = find_user(connection, user, service.store).user_ix
        numbers = [self.number_of(item) for item in items]
        with self._lock:  # what is kept of the store's words is made once
            self._forget_old_words()
            return service.explainer.explain(history, user_ix, numbers)

    def _forget_old_words(self) -> None:
        """Read the store's words anew where the store changed."""
        store = self._service.store
        if store is None:
            return
        now = [store.meta(key) for key in ("content_digest", "merged_digest", "assigned_digest")]
        if now != self._seen:
            self._seen = now
            for kept in ("words", "explainer"):
                self._service.__dict__.pop(kept, None)

    def close(self) -> None:
        """Close the store."""
        self._service.close()


class PublishedSource(Source):
    """A published database; no store is opened.

    Parameters
    ----------
    folder
        The model.
    database
        What ``profiler publish`` wrote.
    """

    def __init__(self, folder: Path, database: PublishedDatabase) -> None:
        self.model, self.manifest = load_model(folder)
        self.item_ids = load_item_ids(folder, self.manifest)
        self.name = database.address.shown
        self._database = database

    def items_of(self, user: str) -> list[str]:
        """Item ids of a user's published history."""
        with _reachable():
            found = self._database.history(user)
        if found is None:
            raise ServiceError("unknown_user", f"there is no user {user!r}")
        return found

    def titles(self, items: Sequence[str]) -> dict[str, str | None]:
        """Published titles."""
        with _reachable():
            return self._database.titles(items)

    def sentences(
        self, user: str | None, history: NDArray[np.int64], items: Sequence[str]
    ) -> dict[str, str]:
        """Published sentences; for other items, what the model alone can say."""
        said: dict[str, str] = {}
        if user is not None:
            with _reachable():
                published = self._database.explanations(user, items)
            said = {item: one.sentence for item, one in published.items()}
        absent = [item for item in items if item not in said]
        return said | {one.item_id: one.sentence for one in self._by_model(history, absent)}

    def explain(self, user: str | None, history: NDArray[np.int64], item: str) -> ExplanationAnswer:
        """The published sentence, where there is one, over the model's own figures."""
        (found,) = self._by_model(history, [item])
        published = {}
        if user is not None:
            with _reachable():
                published = self._database.explanations(user, [item])
        if item not in published:
            return answer_of(user, found, found.sentence, None)
        one = published[item]
        interest = InterestAnswer(interest_id=one.interest_id, label=one.label)
        return answer_of(user, found, one.sentence, interest)

    def _by_model(self, history: NDArray[np.int64], items: Sequence[str]) -> list[Explanation]:
        if not items:
            return []
        known = {*items, *(self.item_ids[number] for number in history.tolist())}
        titles = _Titles(self.item_ids, self.titles(sorted(known)))
        explainer = Explainer(self.model, self.item_ids, titles, None)
        return explainer.explain(history, None, [self.number_of(item) for item in items])

    def version(self) -> int | None:
        """The version that is published now."""
        with _reachable():
            return self._database.version()

    def close(self) -> None:
        """Close the connections."""
        self._database.close()


class _Titles(Sequence[str | None]):
    """Titles by item_ix, of which only some are known."""

    def __init__(self, item_ids: Sequence[str], known: dict[str, str | None]) -> None:
        self._ids, self._known = item_ids, known

    @overload
    def __getitem__(self, place: int) -> str | None: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str | None]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str | None] | None:
        if isinstance(place, slice):
            return [self._known.get(one) for one in self._ids[place]]
        return self._known.get(self._ids[place])

    def __len__(self) -> int:
        return len(self._ids)


@contextmanager
def _reachable() -> Iterator[None]:
    """A database that is away is no fault of the request."""
    try:
        yield
    except UserError as error:
        raise ServiceError("source", str(error)) from None


def answer_of(
    user: str | None, found: Explanation, sentence: str, interest: InterestAnswer | None
) -> ExplanationAnswer:
    """An explanation as the service answers it.

    Parameters
    ----------
    user
        Whose; None for a raw history.
    found
        The model's explanation.
    sentence, interest
        What is said, and the stored interest that it names.
    """
    return ExplanationAnswer(
        user=user,
        item_id=found.item_id,
        title=found.title,
        score=found.score,
        sentence=sentence,
        interest=interest,
        how=found.how,
        base=found.base,
        parts=[PartAnswer(**part.to_json()) for part in found.parts],
    )
