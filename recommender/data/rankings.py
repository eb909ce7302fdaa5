"""Rankings of nominated cases as a model is trained on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from store.digests import json_digest
from store.errors import StoreError
from store.suggestions import enumerated
from store.tables.tasks.cases import Case, check_cases

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store
    from store.tables.tasks.rankings import Ranking

TEACHER = "teacher"
"""Source that stands for the teacher's own order: what a model's rankings are compared with."""
LISTED = 25
"""Items of the teacher's order that are taken, as many as a model ranks of 50."""


@dataclass(frozen=True)
class Rankings:
    """Histories, and the items ranked after each.

    Attributes
    ----------
    source
        Who ranked: a model's name, ``offline``, ``import:NAME`` or ``teacher``.
    histories, items
        Of each case, as item_ix: what was taken, the oldest first; what is ranked, the best first.
    forced
        How many had their target put among the candidates.
    """

    source: str
    histories: tuple[tuple[int, ...], ...]
    items: tuple[tuple[int, ...], ...]
    forced: int = 0

    def __len__(self) -> int:
        return len(self.items)

    @property
    def digest(self) -> str:
        """Content address: a run goes on with the rankings that it began with."""
        return json_digest([[list(one) for one in rows] for rows in (self.histories, self.items)])

    def to_json(self) -> dict[str, object]:
        """What a model's manifest says of them."""
        facts: dict[str, object] = {"source": self.source, "cases": len(self)}
        return facts | {"forced": self.forced, "digest": self.digest}

    def in_words(self) -> str:
        """One line for people."""
        forced = f", {self.forced} of them with a forced target" if self.forced else ""
        return f"{len(self):,} rankings by {self.source}{forced}"


def read_rankings(
    store: Store,
    dataset: Dataset,
    *,
    source: str | None = None,
    nomination: int | None = None,
    forced: bool = False,
) -> Rankings:
    """Rankings of a nomination's cases.

    Parameters
    ----------
    store, dataset
        The store, and the data set of it that is trained on.
    source
        Who ranked; None where only one did; ``teacher`` takes the teacher's own order.
    nomination
        Number of the nomination; None takes the newest.
    forced
        Take rankings whose target was put among the candidates, too, where there is no other.

    Raises
    ------
    StoreError
        The store has none of that source, or of several and none is named.
    LeakageError
        A case shows what the split hides.
    """
    known = store.cases.nominations()
    numbers = {one.nomination_id for one in known}
    if not known or (nomination is not None and nomination not in numbers):
        which = "no nominated cases" if not known else f"no nomination {nomination}"
        raise StoreError(
            f"{store.path} has {which}; choose cases with: recommender nominate MODEL "
            f"--store {store.path}"
        )
    number = known[-1].nomination_id if nomination is None else nomination
    cases = {one.case_id: one for one in store.cases.load(number)}
    check_cases(dataset, cases.values())
    if source == TEACHER:
        return _made(
            TEACHER, cases, {number: one.candidates[:LISTED] for number, one in cases.items()}
        )
    found = [one for one in store.rankings.load(list(cases)) if forced or not one.forced]
    chosen = _source(store, found, source, number)
    mine = [one for one in found if one.source == chosen]
    # One ranking a case: that of the teacher's own candidates goes before a forced one.
    best = {one.case_id: one for one in sorted(mine, key=lambda one: not one.forced)}
    items = {number: best[number].items for number in cases if number in best}
    return _made(chosen, cases, items, sum(one.forced for one in best.values()))


def _source(store: Store, found: Sequence[Ranking], source: str | None, nomination: int) -> str:
    there = sorted({one.source for one in found})
    if source is not None and source in there:
        return source
    if source is None and len(there) == 1:
        return there[0]
    if not there:
        raise StoreError(
            f"no case of nomination {nomination} in {store.path} is ranked; rank them with: "
            f"profiler rank --store {store.path} --llm PROVIDER:MODEL"
        )
    named = "several models" if source is None else f"others than {source!r}"
    raise StoreError(
        f"the cases of nomination {nomination} are ranked by {named}; name one with distil.source: "
        f"{enumerated([*there, TEACHER], 'or')}"
    )


def _made(
    source: str,
    cases: Mapping[int, Case],
    items: Mapping[int, tuple[int, ...]],
    forced: int = 0,
) -> Rankings:
    return Rankings(
        source,
        tuple(cases[number].history for number in items),
        tuple(items.values()),
        forced,
    )


def padded(rows: Sequence[Sequence[int]], width: int) -> Tensor:
    """The last ``width`` of each row as item numbers, left-aligned, zeros on the right.

    Returns
    -------
    Tensor
        int64 ``[rows, L]`` with L at most ``width``.
    """
    longest = max(len(row[-width:]) for row in rows)
    found = torch.zeros(len(rows), longest, dtype=torch.long)
    for place, row in enumerate(rows):
        kept = torch.tensor(row[-width:]) + 1
        found[place, : len(kept)] = kept
    return found
