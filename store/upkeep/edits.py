"""Changes by hand to the catalogue of interests: merge, rename, pin. Each is recorded, reversible.

A row of ``edits`` holds what was and what is. Taking a change back first looks whether the store
still is as the change left it; if something later touched the same interest, that goes first.
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, RowMapping, text

from store.db.transactions import now
from store.digests import canonical_json, text_digest
from store.errors import StoreError, UserError
from store.tables.interests import interest_text
from store.tables.listing import keeping

if TYPE_CHECKING:
    from store.store import Store

LONGEST_LABEL = 200
_BIGGEST = 2**63 - 1


def merge(store: Store, interest_id: int, into: int) -> dict[str, Any]:
    """Let ``into`` stand for ``interest_id`` and for all that stood under it; return the edit.

    Raises
    ------
    StoreError, UserError
        If an interest is unknown, both are the same, or the first is pinned.
    """
    with store.write() as connection, keeping(connection) as touch:
        one = _find(connection, interest_id, store)
        other = _find(connection, into, store)
        lead = other["canonical_id"] or into
        if interest_id == into:
            raise UserError(f"interest {into} cannot stand under itself; name two interests")
        if interest_id == lead:
            raise UserError(
                f"interest {into} stands under interest {interest_id}; "
                f"to put {interest_id} under {into}, pin {into} first"
            )
        if one["pinned"]:
            raise UserError(f"interest {interest_id} is pinned: it stands for itself")
        followers = _followers(connection, interest_id)
        touch([interest_id, *followers, lead])
        _point(connection, [interest_id, *followers], lead)
        payload = {
            "interest": interest_id,
            "into": lead,
            "before": one["canonical_id"],
            "followers": followers,
        }
        return _record(connection, "merge", payload)


def rename(store: Store, interest_id: int, label: str) -> dict[str, Any]:
    """Give an interest another label; return the edit.

    Full text follows at once. The new text has no vector until the next build encodes it; until
    then the vector of the former text stands in (:meth:`store.vectors.Vectors.of_interests`).

    Raises
    ------
    StoreError, UserError
        If the interest is unknown, or the label is empty, too long or not printable.
    """
    label = _label(label)
    with store.write() as connection, keeping(connection) as touch:
        one = _find(connection, interest_id, store)
        touch([interest_id])
        if label == one["label"]:
            raise UserError(f"interest {interest_id} is called {label!r} already")
        after = {
            "label": label,
            "text_digest": text_digest(interest_text(label, one["description"])),
        }
        before = {key: one[key] for key in after}
        payload = {
            "interest": interest_id,
            "before": before,
            "after": after,
            "vector_digest": _vector_digest(connection, store, one),
        }
        _set_text(connection, interest_id, after)
        return _record(connection, "rename", payload)


def pin(store: Store, interest_id: int) -> dict[str, Any]:
    """Let an interest stand for itself, whatever is near it; return the edit.

    A pinned interest is never merged under another one, comes first where several could stand for
    a group, and is listed first.
    """
    with store.write() as connection, keeping(connection) as touch:
        one = _find(connection, interest_id, store)
        if one["pinned"]:
            raise UserError(f"interest {interest_id} is pinned already")
        touch([interest_id])
        connection.execute(
            text("UPDATE interests SET pinned = 1, canonical_id = NULL WHERE interest_id = :id"),
            {"id": interest_id},
        )
        return _record(connection, "pin", {"interest": interest_id, "before": one["canonical_id"]})


def undo(store: Store, edit_id: int) -> dict[str, Any]:
    """Take back one change by hand; return the edit with ``undone_at``.

    Raises
    ------
    StoreError, UserError
        If there is no such change, it was taken back already, its interest is gone, or a later
        change touched the same interest.
    """
    with store.write() as connection, keeping(connection) as touch:
        edit = _edit(connection, edit_id, store)
        if edit["undone_at"]:
            raise UserError(f"edit {edit_id} was taken back already, at {edit['undone_at']}")
        payload = edit["payload"]
        one = _find(connection, payload["interest"], store)
        if not _still(edit["kind"], payload, one):
            raise UserError(
                f"interest {payload['interest']} was changed since edit {edit_id}; "
                "take the later change back first (profiler undo lists them)"
            )
        changed = [payload["interest"], *payload.get("followers", [])]
        touch(changed)
        _take_back(connection, edit["kind"], payload)
        touch(changed)
        edit["undone_at"] = now()
        connection.execute(
            text("UPDATE edits SET undone_at = :at WHERE edit_id = :id"),
            {"at": edit["undone_at"], "id": edit_id},
        )
        return edit


def edits(store: Store) -> list[dict[str, Any]]:
    """All changes by hand, the newest first."""
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT edit_id, kind, payload, made_at, undone_at FROM edits ORDER BY edit_id DESC"
        ).mappings()
        return [{**row, "payload": json.loads(row["payload"])} for row in rows]


def _still(kind: str, payload: dict[str, Any], one: dict[str, Any]) -> bool:
    if kind == "merge":
        return bool(one["canonical_id"] == payload["into"])
    if kind == "rename":
        return all(one[key] == value for key, value in payload["after"].items())
    return bool(one["pinned"])


def _take_back(connection: Connection, kind: str, payload: dict[str, Any]) -> None:
    interest_id = payload["interest"]
    if kind == "rename":
        _set_text(connection, interest_id, payload["before"])
        return
    if kind == "pin":
        connection.execute(
            text("UPDATE interests SET pinned = 0 WHERE interest_id = :id"), {"id": interest_id}
        )
        if not _followers(connection, interest_id):  # those that joined it since keep it
            _point(connection, [interest_id], _lead(connection, payload["before"]))
        return
    back = _lead(connection, payload["before"])
    still = set(_followers(connection, payload["into"]))
    _point(connection, [interest_id], back)
    _point(connection, [f for f in payload["followers"] if f in still], back or interest_id)


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


def _find(connection: Connection, interest_id: int, store: Store) -> dict[str, Any]:
    query = (
        "SELECT label, description, text_digest, canonical_id, pinned FROM interests "
        "WHERE interest_id = :id"
    )
    row = _numbered(connection, query, interest_id)
    if row is None:
        raise StoreError(
            f"no interest {interest_id} in {store.path}; profiler interests lists their ids"
        )
    return dict(row)


def _edit(connection: Connection, edit_id: int, store: Store) -> dict[str, Any]:
    query = "SELECT edit_id, kind, payload, made_at, undone_at FROM edits WHERE edit_id = :id"
    row = _numbered(connection, query, edit_id)
    if row is None:
        raise StoreError(f"no edit {edit_id} in {store.path}; profiler undo lists them")
    return {**row, "payload": json.loads(row["payload"])}


def _label(label: str) -> str:
    label = label.strip()
    if not label or len(label) > LONGEST_LABEL:
        raise UserError(f"a label has 1 to {LONGEST_LABEL} characters, this one {len(label)}")
    if any(unicodedata.category(c)[0] == "C" for c in label):
        raise UserError(f"the label {label!r} holds characters that cannot be printed")
    return label


def _vector_digest(connection: Connection, store: Store, one: dict[str, Any]) -> str:
    """Digest under which a vector of the interest lies: its text's, or an earlier stand-in."""
    known = connection.execute(
        text("SELECT 1 FROM vectors WHERE model = :model AND digest = :digest"),
        {"model": store.meta("encoder"), "digest": one["text_digest"]},
    ).scalar()
    if known:
        return str(one["text_digest"])
    earlier = connection.execute(
        text(
            "SELECT json_extract(payload, '$.vector_digest') FROM edits WHERE kind = 'rename' "
            "AND undone_at IS NULL AND json_extract(payload, '$.after.text_digest') = :digest "
            "ORDER BY edit_id DESC LIMIT 1"
        ),
        {"digest": one["text_digest"]},
    ).scalar()
    return str(earlier or one["text_digest"])


def _set_text(connection: Connection, interest_id: int, values: dict[str, Any]) -> None:
    connection.execute(
        text(
            "UPDATE interests SET label = :label, text_digest = :text_digest "
            "WHERE interest_id = :id"
        ),
        {"id": interest_id, **values},
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


def _record(connection: Connection, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    made_at = now()
    edit_id = connection.execute(
        text(
            "INSERT INTO edits (kind, payload, made_at) VALUES (:kind, :payload, :made_at) "
            "RETURNING edit_id"
        ),
        {"kind": kind, "payload": canonical_json(payload), "made_at": made_at},
    ).scalar_one()
    return {
        "edit_id": int(edit_id),
        "kind": kind,
        "payload": payload,
        "made_at": made_at,
        "undone_at": None,
    }
