"""Changes by hand: merge, rename, pin, dispute, import. Each is recorded and can be taken back.

A row of ``edits`` holds what was and what is. Taking a change back first looks whether the store
still is as the change left it; if something later touched the same interest, that goes first.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, RowMapping, text

from store.data.interest import interest_text
from store.digests import text_digest
from store.errors import StoreError, UserError
from store.tables.listing import listing_updates
from store.upkeep import disputes, hint_edits, import_edits
from store.upkeep.changes import (
    Change,
    Edit,
    Merged,
    OneInterest,
    Pinned,
    Renamed,
    Wording,
    edit_of,
)
from store.upkeep.disputes import Disputed
from store.upkeep.edit_records import record, undone
from store.upkeep.hint_edits import HintChanged, HintEdit
from store.upkeep.import_edits import Imported
from store.upkeep.words import checked_words

if TYPE_CHECKING:
    from store.store import Store

LONGEST_LABEL = 200
_BIGGEST = 2**63 - 1


D = TypeVar("D", bound=Change)


@dataclass(frozen=True)
class _Interest:
    """What an edit reads of an interest."""

    label: str
    description: str
    text_digest: str
    canonical_id: int | None
    pinned: int


def merge(store: Store, interest_id: int, into: int, *, by: str = "") -> Edit[Merged]:
    """Let ``into`` stand for ``interest_id`` and for all that stood under it; return the edit.

    Raises
    ------
    StoreError, UserError
        If an interest is unknown, both are the same, or the first is pinned.
    """
    with store.write() as connection, listing_updates(connection) as touch:
        one = _find(connection, interest_id, store)
        other = _find(connection, into, store)
        lead = other.canonical_id or into
        if interest_id == into:
            raise UserError(f"interest {into} cannot stand under itself; name two interests")
        if interest_id == lead:
            raise UserError(
                f"interest {into} stands under interest {interest_id}; "
                f"to put {interest_id} under {into}, pin {into} first"
            )
        if one.pinned:
            raise UserError(f"interest {interest_id} is pinned: it stands for itself")
        followers = _followers(connection, interest_id)
        touch([interest_id, *followers, lead])
        _point(connection, [interest_id, *followers], lead)
        change = Merged(interest_id, lead, one.canonical_id, followers)
        return record(connection, "merge", change, by)


def rename(store: Store, interest_id: int, label: str, *, by: str = "") -> Edit[Renamed]:
    """Give an interest another label; return the edit.

    Full text follows at once. The new text has no vector until the next build encodes it; until
    then the vector of the former text stands in (:meth:`store.vectors.Vectors.of_interests`).

    Raises
    ------
    StoreError, UserError
        If the interest is unknown, or the label is empty, too long or not printable.
    """
    label = checked_words("label", label, LONGEST_LABEL)
    with store.write() as connection, listing_updates(connection) as touch:
        one = _find(connection, interest_id, store)
        touch([interest_id])
        if label == one.label:
            raise UserError(f"interest {interest_id} is called {label!r} already")
        after = Wording(label, text_digest(interest_text(label, one.description)))
        before = Wording(one.label, one.text_digest)
        change = Renamed(interest_id, before, after, _vector_digest(connection, store, one))
        _set_text(connection, interest_id, after)
        return record(connection, "rename", change, by)


def pin(store: Store, interest_id: int, *, by: str = "") -> Edit[Pinned]:
    """Let an interest stand for itself, whatever is near it; return the edit.

    A pinned interest is never merged under another one, comes first where several could stand for
    a group, and is listed first.

    Raises
    ------
    StoreError, UserError
        If the interest is unknown or pinned already.
    """
    with store.write() as connection, listing_updates(connection) as touch:
        one = _find(connection, interest_id, store)
        if one.pinned:
            raise UserError(f"interest {interest_id} is pinned already")
        touch([interest_id])
        connection.execute(
            text("UPDATE interests SET pinned = 1, canonical_id = NULL WHERE interest_id = :id"),
            {"id": interest_id},
        )
        return record(connection, "pin", Pinned(interest_id, one.canonical_id), by)


def dispute(
    store: Store, user_id: str, interest_id: int, *, why: str = "", by: str = ""
) -> Edit[Disputed]:
    """Say that an interest is wrong for one user; return the edit.

    It is no longer shown to the user nor used for lists, training and explanations, until the edit
    is taken back. Others keep it.

    Parameters
    ----------
    store
        An open store.
    user_id, interest_id
        Whose interest, and which; one that stands under another is disputed with it.
    why, by
        The reason, and who gave it.

    Raises
    ------
    StoreError, UserError
        If the user is unknown, has no such interest or disputed it already.
    """
    with store.write() as connection:
        change = disputes.check_dispute(connection, store, user_id, interest_id, why, by)
        edit = record(connection, disputes.KIND, change, by)
        disputes.enter(connection, edit.edit_id, change)
        return edit


def edit_hint(store: Store, hint_id: int, to: HintEdit, *, by: str = "") -> Edit[HintChanged]:
    """Give a hint other words, keep it whatever is learned, or take it out of use; return the edit.

    Raises
    ------
    StoreError, UserError
        If the hint is unknown, the words are empty, too long or not printable, or it is so already.
    """
    with store.write() as connection:
        changed = hint_edits.change(connection, store, hint_id, to)
        return record(connection, hint_edits.KIND, changed, by)


def undo(store: Store, edit_id: int, *, by: str = "") -> Edit[Change]:
    """Take back one change by hand; return the edit with ``undone_at``.

    Raises
    ------
    StoreError, UserError
        If there is no such change, it was taken back already, its interest is gone, or a later
        change touched the same interest.
    """
    with store.write() as connection, listing_updates(connection) as touch:
        edit = _edit(connection, edit_id, store)
        if edit.undone_at:
            raise UserError(f"edit {edit_id} was taken back already, at {edit.undone_at}")
        change = edit.payload
        if isinstance(change, Imported):
            import_edits.take_back(connection, edit_id, change)
            return undone(connection, edit, by)
        if isinstance(change, Disputed):
            disputes.take_back(connection, edit_id)
            return undone(connection, edit, by)
        if isinstance(change, HintChanged):
            hint_edits.take_back(connection, store, edit_id, change)
            return undone(connection, edit, by)
        one = _find(connection, change.interest, store)
        if not _still(change, one):
            raise UserError(
                f"interest {change.interest} was changed since edit {edit_id}; "
                "take the later change back first (profiler undo lists them)"
            )
        changed = [change.interest, *(change.followers if isinstance(change, Merged) else ())]
        touch(changed)
        _take_back(connection, change)
        touch(changed)
        return undone(connection, edit, by)


def edits(store: Store) -> list[Edit[Change]]:
    """All changes by hand, the newest first."""
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT edit_id, kind, payload, made_at, undone_at, made_by, undone_by FROM edits "
            "ORDER BY edit_id DESC"
        ).mappings()
        return [edit_of(row) for row in rows]


def _still(change: OneInterest, one: _Interest) -> bool:
    if isinstance(change, Merged):
        return one.canonical_id == change.into
    if isinstance(change, Renamed):
        return change.after == Wording(one.label, one.text_digest)
    return bool(one.pinned)


def _take_back(connection: Connection, change: OneInterest) -> None:
    interest_id = change.interest
    if isinstance(change, Renamed):
        _set_text(connection, interest_id, change.before)
        return
    if isinstance(change, Pinned):
        connection.execute(
            text("UPDATE interests SET pinned = 0 WHERE interest_id = :id"), {"id": interest_id}
        )
        if not _followers(connection, interest_id):  # those that joined it since keep it
            _point(connection, [interest_id], _lead(connection, change.before))
        return
    back = _lead(connection, change.before)
    still = set(_followers(connection, change.into))
    _point(connection, [interest_id], back)
    _point(connection, [f for f in change.followers if f in still], back or interest_id)


def _lead(connection: Connection, interest_id: int | None) -> int | None:
    """Who stands for an interest today, itself included; ``None`` where it is gone."""
    query = text("SELECT coalesce(canonical_id, interest_id) FROM interests WHERE interest_id = :i")
    found = connection.execute(query, {"i": interest_id}).scalar()
    return None if found is None else int(found)


def _numbered(connection: Connection, query: str, number: int) -> RowMapping | None:
    """The row with a number; SQLite refuses numbers that no row can have."""
    if not 0 < number <= _BIGGEST:
        return None
    return connection.execute(text(query), {"id": number}).mappings().first()


def _find(connection: Connection, interest_id: int, store: Store) -> _Interest:
    query = (
        "SELECT label, description, text_digest, canonical_id, pinned FROM interests "
        "WHERE interest_id = :id"
    )
    row = _numbered(connection, query, interest_id)
    if row is None:
        raise StoreError(
            f"no interest {interest_id} in {store.path}; profiler interests lists their ids"
        )
    return _Interest(**row)


def _edit(connection: Connection, edit_id: int, store: Store) -> Edit[Change]:
    query = (
        "SELECT edit_id, kind, payload, made_at, undone_at, made_by, undone_by FROM edits "
        "WHERE edit_id = :id"
    )
    row = _numbered(connection, query, edit_id)
    if row is None:
        raise StoreError(f"no edit {edit_id} in {store.path}; profiler undo lists them")
    return edit_of(row)


def _vector_digest(connection: Connection, store: Store, one: _Interest) -> str:
    """Digest under which a vector of the interest lies: its text's, or an earlier stand-in."""
    known = connection.execute(
        text("SELECT 1 FROM vectors WHERE model = :model AND digest = :digest"),
        {"model": store.meta("encoder"), "digest": one.text_digest},
    ).scalar()
    if known:
        return one.text_digest
    earlier = connection.execute(
        text(
            "SELECT json_extract(payload, '$.vector_digest') FROM edits WHERE kind = 'rename' "
            "AND undone_at IS NULL AND json_extract(payload, '$.after.text_digest') = :digest "
            "ORDER BY edit_id DESC LIMIT 1"
        ),
        {"digest": one.text_digest},
    ).scalar()
    return str(earlier or one.text_digest)


def _set_text(connection: Connection, interest_id: int, wording: Wording) -> None:
    connection.execute(
        text(
            "UPDATE interests SET label = :label, text_digest = :text_digest "
            "WHERE interest_id = :id"
        ),
        {"id": interest_id, **asdict(wording)},
    )


def _followers(connection: Connection, interest_id: int) -> list[int]:
    query = text("SELECT interest_id FROM interests WHERE canonical_id = :id ORDER BY interest_id")
    return list(connection.execute(query, {"id": interest_id}).scalars())


def _point(connection: Connection, interests: list[int], lead: int | None) -> None:
    if interests:
        connection.exec_driver_sql(
            "UPDATE interests SET canonical_id = ? WHERE interest_id = ?",
            [(None if lead == interest else lead, interest) for interest in interests],
        )
