"""A store as a page sees it: its data, merged interests, themes, and what people are called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from store.data.splits import Part
from store.views.atlas import forgotten_users, represented

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from profiler.reporting.map.atlas import Atlas
    from profiler.reporting.shared.pseudonyms import Names
    from profiler.reporting.shared.vocabulary import Vocabulary
    from store.data.dataset import Dataset
    from store.recommending import Recommending
    from store.store import Store


@dataclass
class Scene:
    """What is looked up for everybody alike.

    Parameters
    ----------
    store, dataset
        The store and its data.
    words
        What people and things are called.
    names
        What each person is called.
    atlas
        Merged interests on the map.
    model
        Whose lists are shown; None shows none.
    """

    store: Store
    dataset: Dataset
    words: Vocabulary
    names: Names
    atlas: Atlas
    model: Recommending | None = None
    _gone: set[int] = field(init=False, repr=False)
    _of: dict[int, tuple[int, float | None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._gone = forgotten_users(self.store)
        users, subjects, similarity = represented(self.store)
        self._of = {
            int(user): (int(subject), round(float(near), 3) if np.isfinite(near) else None)
            for user, subject, near in zip(users, subjects, similarity, strict=True)
        }

    def place(self, interest: int | None) -> int:
        """Place of an interest on the map, -1 where it is not drawn."""
        found = self.atlas.groups.index.get(interest, -1) if interest is not None else -1
        return found if found < self.atlas.drawn else -1

    def is_there(self, user: int) -> bool:
        """Whether a user was not forgotten."""
        return user not in self._gone

    def representative(self, user: int) -> tuple[int, float | None]:
        """Subject asked about in a user's place (-1: none), and how close their histories are."""
        return self._of.get(user, (-1, None))

    def rows(self, user: int) -> slice:
        """Rows of a user's events."""
        return slice(int(self.dataset.indptr[user]), int(self.dataset.indptr[user + 1]))

    def hidden_items(self, user: int) -> NDArray[np.int32]:
        """Items kept from the model, oldest first."""
        return self.dataset.history(user, (Part.VALID, Part.TEST))
