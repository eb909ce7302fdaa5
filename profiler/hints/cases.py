"""Nominated cases as questions show them, and how good an answer to one is.

A case is a part of one user's training history, the item that came next, and the candidates of a
trained model (:class:`store.tables.tasks.cases.Case`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from profiler.asking.subjects import shown_items
from profiler.shown import ShownItem, ShownSubject
from prompts.items import clean_text, shown_ids
from store.data.dataset import item_text
from store.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.data.dataset import Dataset
    from store.store import Store
    from store.tables.tasks.cases import Case

HISTORY = 20
"""Items of a history that are shown, the latest ones."""
WANTED = 10
"""Items of an answer (Re2LLM, section 4)."""


@dataclass(frozen=True)
class AskedCase:
    """A case with the texts of its items.

    Attributes
    ----------
    name
        ``case:DIGEST12``; a user's own list, which is re-ranked at serving, is ``user:USER_ID``.
    user_ix
        Whose history it is.
    history
        The latest items, the oldest first.
    candidates
        In the order of the model that nominated them.
    target
        What came next; None where that is not known.
    """

    name: str
    user_ix: int
    history: tuple[ShownItem, ...]
    candidates: tuple[ShownItem, ...]
    target: ShownItem | None = None

    @property
    def wanted(self) -> int:
        """How many items an answer names."""
        return min(WANTED, len(self.candidates))

    @property
    def mendable(self) -> bool:
        """Whether the target is among the candidates: else no advice can lead to it."""
        return self.target is not None and self.target.item_ix in {
            one.item_ix for one in self.candidates
        }

    @property
    def target_id(self) -> str:
        """The ID under which the target stands among the candidates."""
        ids = shown_ids([one.item_id for one in self.candidates])
        numbers = [one.item_ix for one in self.candidates]
        if self.target is None or self.target.item_ix not in numbers:
            raise ValueError(f"the target of {self.name} is not among its candidates")
        return ids[numbers.index(self.target.item_ix)]

    def variables(self, hint: str) -> Mapping[str, Any]:
        """Values for the question that shows it, with a hint or with an empty one."""
        lines = [f"- {clean_text(text_of(one)) or 'untitled'}" for one in self.history]
        return {"history": "\n".join(lines), "hint": clean_text(hint, 400), "wanted": self.wanted}

    def shown(self, name: str, row: int | None) -> ShownSubject:
        """The subject of a question: the candidates, each with its categories."""
        items = tuple(replace(one, title=text_of(one)) for one in self.candidates)
        return ShownSubject(None, "case", name, items, task_subject_id=row)

    def rank_in(self, ids: Sequence[str]) -> int | None:
        """Rank of the target in an answer, 1 the first; None where it is not in it."""
        if not self.mendable or self.target_id not in ids:
            return None
        return ids.index(self.target_id) + 1


def text_of(item: ShownItem) -> str:
    """Title and categories of an item."""
    return item_text(item.title, item.categories)


def gain_of(rank: int | None) -> float:
    """NDCG of one target at a rank, 0 where it is not in the list."""
    return 0.0 if rank is None else 1 / math.log2(rank + 1)


def asked_cases(store: Store, cases: Sequence[Case]) -> list[AskedCase]:
    """Cases with the texts of their items, in the same order.

    Raises
    ------
    UserError
        A case shows what the split hides now: an item of a user that is not in the user's training
        part, or a candidate that nobody has in training.
    """
    dataset = store.datasets.load()
    in_training = dataset.training_counts() > 0
    for one in cases:
        _refuse_hidden(dataset, in_training, one)
    wanted = {ix for one in cases for ix in (*one.history, *one.candidates, one.target_ix)}
    items = shown_items(store, sorted(wanted))
    return [
        AskedCase(
            name=one.name,
            user_ix=one.user_ix,
            history=tuple(items[ix] for ix in one.history[-HISTORY:]),
            candidates=tuple(items[ix] for ix in one.candidates),
            target=items[one.target_ix],
        )
        for one in cases
    ]


def nominated_cases(
    store: Store, nomination: int | None = None, most: int | None = None
) -> list[AskedCase]:
    """The cases of a nomination with the texts of their items.

    Parameters
    ----------
    store
        With the nominations.
    nomination
        Its number; None is the newest.
    most
        Only so many cases, the first ones.

    Raises
    ------
    UserError
        There is no such nomination, or it shows what the split hides.
    """
    numbers = [one.nomination_id for one in store.cases.nominations()]
    if not numbers:
        raise UserError(
            f"{store.path} has no nominated cases; run: recommender nominate MODEL "
            f"--store {store.path}"
        )
    number = numbers[-1] if nomination is None else nomination
    if number not in numbers:
        known = ", ".join(map(str, numbers))
        raise UserError(f"there is no nomination {number} in {store.path}; it has: {known}")
    return asked_cases(store, store.cases.load(number)[:most])


def _refuse_hidden(dataset: Dataset, in_training: NDArray[np.bool_], case: Case) -> None:
    own = set(dataset.history(case.user_ix).tolist())
    hidden = [ix for ix in (*case.history, case.target_ix) if ix not in own]
    hidden += [ix for ix in case.candidates if not in_training[ix]]
    if hidden:
        raise UserError(
            f"{case.name} shows item {dataset.item_ids[hidden[0]]!r}, which the split hides; "
            "nominate cases anew: recommender nominate"
        )
