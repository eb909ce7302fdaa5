"""Changes of hints by hand: other words, pinned, taken out of use. ``undo`` takes each back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from store.db.statements import statement
from store.errors import StoreError, UserError
from store.upkeep.words import checked_words
from store.views.shared.row import KeyedRow

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.tasks.hints import Status

KIND = "hint"
"""Kind of these changes in the table ``edits``."""
LONGEST = 240

_FIND = statement("SELECT text, status, pinned FROM hints WHERE hint_id = :hint")
_SET = statement(
    "UPDATE hints SET text = :text, status = :status, pinned = :pinned WHERE hint_id = :hint"
)


@dataclass(frozen=True)
class HintEdit:
    """What a hint is to be; what is None stays.

    Attributes
    ----------
    text
        Other words; a hint that is not in use is taken into use with them.
    pinned
        Whether it is listed and tried first, and stays in use however many there may be.
    status
        ``active`` or ``dropped``.
    """

    text: str | None = None
    pinned: bool | None = None
    status: Status | None = None


@dataclass(frozen=True)
class HintState(KeyedRow):
    """A hint as it was or is."""

    text: str
    status: str
    pinned: bool


@dataclass(frozen=True)
class HintChanged(KeyedRow):
    """A hint was changed by hand."""

    hint: int
    before: HintState
    after: HintState


def read_change(said: Mapping[str, Any]) -> HintChanged:
    """A change as it stands in the table ``edits``."""
    return HintChanged(said["hint"], HintState(**said["before"]), HintState(**said["after"]))


def change(connection: Connection, store: Store, hint_id: int, to: HintEdit) -> HintChanged:
    """Change a hint; return what was and what is.

    Raises
    ------
    StoreError, UserError
        If it is unknown, its new words are not fit, or it is so already.
    """
    before = _state(connection, store, hint_id)
    after = before
    if to.text is not None:
        text = checked_words("hint", to.text, LONGEST)
        after = replace(after, text=text, status="active" if text != before.text else after.status)
    if to.pinned is not None:
        after = replace(after, pinned=to.pinned)
    if to.status is not None:
        after = replace(after, status=to.status)
    if after == before:
        raise UserError(f"hint {hint_id} is so already: {before.status}, {before.text!r}")
    _set(connection, hint_id, after)
    return HintChanged(hint_id, before, after)


def take_back(connection: Connection, store: Store, edit_id: int, change: HintChanged) -> None:
    """Put a hint back as it was before a change.

    Raises
    ------
    StoreError, UserError
        If the hint is gone, or was changed since.
    """
    if _state(connection, store, change.hint) != change.after:
        raise UserError(
            f"hint {change.hint} was changed since edit {edit_id}; take the later change back "
            "first (profiler undo lists them)"
        )
    _set(connection, change.hint, change.before)


def _state(connection: Connection, store: Store, hint_id: int) -> HintState:
    row = connection.execute(_FIND, {"hint": hint_id}).mappings().first()
    if row is None:
        raise StoreError(f"no hint {hint_id} in {store.path}; profiler hints list shows them")
    return HintState(**{**row, "pinned": bool(row["pinned"])})


def _set(connection: Connection, hint_id: int, state: HintState) -> None:
    connection.execute(_SET, {"hint": hint_id, **asdict(state)})
