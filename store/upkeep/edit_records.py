"""Records of changes by hand: what was done, when and by whom."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, text

from store.db.transactions import now
from store.digests import canonical_json
from store.errors import UserError
from store.upkeep import import_edits
from store.upkeep.changes import Change, Edit
from store.upkeep.import_edits import Imported

LONGEST_NAME = 500
D = TypeVar("D", bound=Change)


def author(name: str) -> str | None:
    """Who makes a change, as it is kept: None where nobody is named.

    Raises
    ------
    UserError
        The name is too long or holds what cannot be printed.
    """
    name = name.strip()
    if len(name) > LONGEST_NAME or any(unicodedata.category(c)[0] == "C" for c in name):
        raise UserError(f"`by` is a name of at most {LONGEST_NAME} characters on one line")
    return name or None


def record(connection: Connection, kind: str, change: D, by: str = "") -> Edit[D]:
    """Record a change within the transaction that makes it; return the edit."""
    made_at, name = now(), author(by)
    edit_id = connection.execute(
        text(
            "INSERT INTO edits (kind, payload, made_at, made_by) "
            "VALUES (:kind, :payload, :made_at, :made_by) RETURNING edit_id"
        ),
        {
            "kind": kind,
            "payload": canonical_json(change.to_json()),
            "made_at": made_at,
            "made_by": name,
        },
    ).scalar_one()
    return Edit(int(edit_id), kind, change, made_at, None, name)


def drop(connection: Connection, edit: Edit[Imported]) -> None:
    """Drop the record of an import that changed nothing, and what was kept for it."""
    import_edits.forget_copies(connection, edit.edit_id)
    connection.execute(text("DELETE FROM edits WHERE edit_id = :id"), {"id": edit.edit_id})


def undone(connection: Connection, edit: Edit[Change], by: str) -> Edit[Change]:
    """Record that a change was taken back, within the transaction that does so."""
    undone_at, name = now(), author(by)
    connection.execute(
        text("UPDATE edits SET undone_at = :at, undone_by = :by WHERE edit_id = :id"),
        {"at": undone_at, "by": name, "id": edit.edit_id},
    )
    return replace(edit, undone_at=undone_at, undone_by=name)
