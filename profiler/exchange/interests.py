"""Interests made elsewhere: read, grounded in the store's own items, stored as any other.

Nothing enters that a run would not have let in: evidence is among the items the subject stands
for, labels are distinct, and nothing is said about the person. And nothing enters unnoticed that
the split hides: interests inferred from held-out items would leak into every evaluation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from profiler.asking.answers.answer_schema import MAX_INTERESTS
from profiler.exchange.interest_rows import (
    Counts,
    GivenRow,
    Scope,
    drop_row,
    ground_interests,
    read_rows,
)
from profiler.exchange.save_interests import Found, ImportedInterests, save_imported
from profiler.exchange.titles import TitleIndex
from store.data.dataset import Dataset
from store.data.splits import Part
from store.errors import DataError, LeakageError
from store.store import Store
from store.tables.subjects import Kind, SubjectRow

MIN_SHARE = 0.5
"""Share of the items of a file that must be its users' own."""

FEW = 20
"""With fewer items nothing is said about whose they are."""

HIDDEN = (Part.INPUT, Part.VALID, Part.TEST)


def import_interests(
    store: Store,
    file: Path,
    *,
    name: str,
    kind: Kind = "exemplar",
    allow_unseen: bool = False,
    max_interests: int = MAX_INTERESTS,
    min_share: float = MIN_SHARE,
    dry_run: bool = False,
    words_only: bool = False,
) -> ImportedInterests:
    """Read a file of interests and store them; a second import of the same file changes nothing.

    Exemplars and synthetic users of the file replace those that were chosen before (their interests
    stay in the store, inactive); single users are added.

    Parameters
    ----------
    file
        JSONL, plain or gzip: ``user_id`` (or ``members``), ``interests`` of ``label``,
        ``description`` and ``evidence``, and optionally ``shown_items``.
    name
        Where the interests are from; recorded with each as ``import:NAME``.
    kind
        What the rows are; with ``members`` always synthetic users.
    allow_unseen
        Go on where the file was made from items the split hides. They are dropped from what was
        shown and from evidence, but the words of an interest may still tell of them.
    min_share
        Share of the items named that their users must have had. With less, the file was hardly made
        for the users of this store: their ids may be others. Looked at from ``FEW`` items on.
    dry_run
        Check and count, but store nothing.
    words_only
        Take interests that the file gives without evidence, too. They stand in the catalogue and
        with their subject, marked as words only; they prove and explain nothing, and no history is
        said to show them. Whether they tell of what the split hides cannot be checked.

    Raises
    ------
    DataError
        The file cannot be read, no row of it can be used, or it names items of other users.
    LeakageError
        Items that the split hides were used and ``allow_unseen`` is not set.
    """
    dataset = store.datasets.load()
    counts = Counts()
    reader = _Reader(dataset, kind, max_interests, counts, words_only=words_only)
    found = reader.read(file)
    if not found:
        first = counts.notes[0] if counts.notes else "it is empty"
        raise DataError(f"{file}: no row can be used; {first}")
    unseen = counts.dropped_evidence["unseen"] + counts.dropped_shown["unseen"]
    if unseen and not allow_unseen:
        raise LeakageError(
            f"{file}: items are named {unseen} times that the split {dataset.split.name!r} hides "
            f"({reader.first_unseen}); evaluation would be too good. Build the store with "
            "--split none if it is not to be evaluated, or drop them with --allow-unseen"
        )
    if counts.evidence + counts.shown >= FEW and counts.in_histories < min_share:
        raise DataError(
            f"{file}: only {counts.in_histories:.0%} of the items it names were its users' own; was"
            " it made with other ids of users? Nothing was stored. If it is right all the same, set"
            f" min_share=0 (now {min_share:g})"
        )
    if dry_run:
        interests = sum(len(one.interests) for one in found)
        return ImportedInterests(len(found), interests, changed=0, members=0, counts=counts)
    return save_imported(store, dataset, found, name=name, unseen=unseen, counts=counts)


class _Reader:
    """Rows to subjects, over one data set."""

    def __init__(
        self, dataset: Dataset, kind: Kind, most: int, counts: Counts, *, words_only: bool
    ) -> None:
        self.words_only = words_only
        self.dataset, self.kind, self.most, self.counts = dataset, kind, most, counts
        self.shop = self._index(range(dataset.n_items))
        self.names: set[str] = set()
        self.first_unseen = ""

    def read(self, file: Path) -> list[Found]:
        """Every usable row of the file."""
        rows = (self._row(number, row) for number, row in read_rows(file, self.counts))
        return [found for found in rows if found is not None]

    def _row(self, number: int, row: GivenRow) -> Found | None:
        users = self._users(number, row)
        if users is None:
            return None
        seen, hidden = self._shown(number, row, users)
        subject = self._subject(row, users, seen)
        if subject.name in self.names:
            self._drop(number, "repeated", f"{subject.name} has a row already")
            return None
        scope = Scope(self._index(seen), self._index(hidden), self.shop, self.words_only)
        before = self.counts.dropped_evidence["unseen"]
        interests = ground_interests(
            row, scope, self.dataset.item_ids, number, self.most, self.counts
        )
        if self.counts.dropped_evidence["unseen"] > before:
            self._note_unseen(number, subject.name)
        if not interests:
            self._drop(number, "no interests left", f"{subject.name} has no interest left")
            return None
        self.names.add(subject.name)
        return Found(subject, interests)

    def _users(self, number: int, row: GivenRow) -> list[int] | None:
        """user_ix of the row's user or members; None where one is unknown."""
        if row.members is None and self.kind == "synthetic":
            self._drop(number, "unreadable", "a synthetic user needs members")
            return None
        wanted = row.members if row.members is not None else [str(row.user_id)]
        unknown = [user for user in wanted if user not in self.dataset.user_index]
        if unknown or not wanted:
            note = f"the store has no user {unknown[0][:60]!r}" if unknown else "no members"
            self._drop(number, "unknown user", note)
            return None
        return [self.dataset.user_index[user] for user in wanted]

    def _shown(
        self, number: int, row: GivenRow, users: Sequence[int]
    ) -> tuple[list[int], list[int]]:
        """Items the subject stands for, and those of its history that must not be seen."""
        visible = _union([self.dataset.history(user) for user in users])
        hidden = _union([self.dataset.history(user, HIDDEN) for user in users])
        hidden = [item for item in hidden if item not in set(visible)]
        if row.shown_items is None:
            return visible, hidden
        kept: dict[int, None] = {}
        self.counts.shown += len(row.shown_items)
        own, held_out = self._index(visible), self._index(hidden)
        for written in row.shown_items:
            found, _ = own.find(written)
            if len(found) == 1:
                kept[found[0]] = None
            elif held_out.find(written)[0]:
                self.counts.dropped_shown["unseen"] += 1
                self._note_unseen(number, written)
            elif found:
                self.counts.dropped_shown["ambiguous"] += 1
            else:
                known = self.shop.find(written)[0]
                self.counts.dropped_shown["not in the history" if known else "unknown"] += 1
        return list(kept), hidden

    def _subject(self, row: GivenRow, users: list[int], items: list[int]) -> SubjectRow:
        if row.members is None:
            name = f"{self.kind}:{row.user_id}"
            kind: Kind = self.kind
            return SubjectRow(kind, name, users[0], items, members=users, similarities=[1.0])
        members = "\n".join(sorted(row.members))
        digest = hashlib.sha256(members.encode()).hexdigest()[:12]
        owned = [set(self.dataset.history(user).tolist()) for user in users]
        owners = [sum(item in mine for mine in owned) for item in items]
        return SubjectRow("synthetic", f"synthetic:{digest}", None, items, owners, users)

    def _index(self, items: Sequence[int] | range) -> TitleIndex:
        data = self.dataset
        return TitleIndex((ix, data.item_ids[ix], data.titles[ix]) for ix in items)

    def _note_unseen(self, number: int, what: str) -> None:
        self.first_unseen = self.first_unseen or f"first in line {number}: {what[:60]!r}"

    def _drop(self, number: int, reason: str, note: str) -> None:
        drop_row(self.counts, number, reason, note)


def _union(histories: Sequence[NDArray[np.int32]]) -> list[int]:
    """Items in the order in which they first come."""
    return list(dict.fromkeys(int(item) for history in histories for item in history))
