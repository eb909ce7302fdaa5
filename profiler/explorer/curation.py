"""Changes by hand in the explorer: the same functions as the commands, for whoever may edit."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from profiler.explorer.answers import ChangeAnswer, ChangeRequest, ChangesAnswer
from store.errors import UserError
from store.upkeep import edits
from store.upkeep.changes import Change, Edit, Merged, Renamed
from store.upkeep.disputes import Disputed
from store.upkeep.hint_edits import HintChanged
from store.upkeep.import_edits import Imported

if TYPE_CHECKING:
    from profiler.explorer.lookups import Explorer
    from store.store import Store

MOST_CHANGES = 200


class Curation:
    """Merges, renames, pins, disputes and takes back, under one name.

    Parameters
    ----------
    store
        An open store.
    explorer
        Knows what people are called on the page; it follows every change by itself.
    by
        Who is recorded with each change.
    """

    def __init__(self, store: Store, explorer: Explorer, by: str) -> None:
        self._store, self._explorer, self._by = store, explorer, by
        self._lock = threading.Lock()

    def make(self, asked: ChangeRequest) -> ChangeAnswer:
        """Make a change.

        Raises
        ------
        StoreError, UserError
            The change is refused, with the reason that the command gives.
        """
        with self._lock:
            return self._answer(self._made(asked), self._names())

    def _made(self, asked: ChangeRequest) -> Edit[Change]:
        interest = asked.interest
        if asked.kind == "rename":
            return edits.rename(self._store, interest, asked.label, by=self._by)
        if asked.kind == "pin":
            return edits.pin(self._store, interest, by=self._by)
        if asked.kind == "merge":
            if asked.into is None:
                raise UserError("name the interest that shall stand for both")
            return edits.merge(self._store, interest, asked.into, by=self._by)
        user = self._user(asked.person)
        return edits.dispute(self._store, user, interest, why=asked.why, by=self._by)

    def take_back(self, edit: int) -> ChangeAnswer:
        """Take back a change.

        Raises
        ------
        StoreError, UserError
            There is none of this number, it cannot be taken back, or it is an import, which is
            taken back by the command.
        """
        with self._lock:
            known = {one.edit_id: one for one in edits.edits(self._store)}
            if edit in known and isinstance(known[edit].payload, Imported):
                raise UserError(f"an import is taken back by the command: profiler undo {edit}")
            return self._answer(edits.undo(self._store, edit, by=self._by), self._names())

    def changes(self, interest: int | None, person: str) -> ChangesAnswer:
        """List changes, the newest first: all of them, those of an interest, or of a person."""
        user = self._explorer.view().user_of.get(person) if person else None
        names = self._names()
        found = []
        for one in edits.edits(self._store):
            change = one.payload
            if interest is not None and interest not in _interests(change):
                continue
            if person and (not isinstance(change, Disputed) or change.user_ix != user):
                continue
            found.append(self._answer(one, names))
        return ChangesAnswer(changes=found[:MOST_CHANGES])

    def _user(self, person: str) -> str:
        view = self._explorer.view()
        user = view.user_of.get(person)
        if user is None:
            raise UserError(f"there is nobody called {person!r} on this page")
        return view.scene.dataset.user_ids[user]

    def _names(self) -> dict[int, str]:
        """What people are called on the page, by number."""
        return {user: name for name, user in self._explorer.view().user_of.items()}

    def _answer(self, edit: Edit[Change], names: Mapping[int, str]) -> ChangeAnswer:
        change = edit.payload
        return ChangeAnswer(
            edit=edit.edit_id,
            kind=edit.kind,
            interest=None if isinstance(change, Imported | HintChanged) else change.interest,
            words=_words(change, names),
            made_at=edit.made_at,
            made_by=edit.made_by or "",
            undone_at=edit.undone_at,
            undone_by=edit.undone_by or "",
            can_undo=edit.undone_at is None and not isinstance(change, Imported),
        )


def _interests(change: Change) -> set[int]:
    if isinstance(change, Imported | HintChanged):
        return set()
    return {change.interest, change.into} if isinstance(change, Merged) else {change.interest}


def _words(change: Change, names: Mapping[int, str]) -> str:
    """What a change did, for people; users stand under the names of the page."""
    if isinstance(change, Imported):
        return f"Interests were imported ({change.source})"
    if isinstance(change, HintChanged):
        return f"Hint {change.hint}: “{change.before.text}” became “{change.after.text}”"
    if isinstance(change, Merged):
        return f"Interest {change.interest} was put under interest {change.into}"
    if isinstance(change, Renamed):
        return f"“{change.before.label}” became “{change.after.label}”"
    if isinstance(change, Disputed):
        whom = names.get(change.user_ix, "somebody")
        why = f": {change.why}" if change.why else ""
        return f"Interest {change.interest} is wrong for {whom}{why}"
    return f"Interest {change.interest} was pinned"
