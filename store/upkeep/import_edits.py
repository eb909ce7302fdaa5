"""What an import of interests replaces is kept, so that ``profiler undo`` brings it back.

Interests that are replaced move, with a copy of their subject, out of use; they keep their ids, so
that changes by hand that speak of them hold again once the import is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from store.db.statements import statement
from store.errors import StoreError, UserError
from store.tables.subjects import Kind
from store.views.shared.row import KeyedRow

KIND = "import"
"""Kind of these changes in the table ``edits``."""


@dataclass(frozen=True)
class Imported(KeyedRow):
    """Interests were imported; ``kinds`` of subjects were chosen anew by it."""

    source: str
    kinds: list[str]


_IN_USE = statement(
    "INSERT INTO import_subjects (edit_id, subject_id, in_use, imported) "
    "SELECT :edit, subject_id, 1, 0 FROM subjects WHERE kind = :kind AND active"
)
_MEMBERS = statement(
    "INSERT OR IGNORE INTO import_members (edit_id, subject_id, user_ix, similarity) "
    "SELECT :edit, m.subject_id, m.user_ix, m.similarity FROM memberships m "
    "JOIN subjects s USING (subject_id) WHERE s.kind = :kind"
)
_NAMED = statement("SELECT subject_id, active FROM subjects WHERE name = :name")
_KEEP_SUBJECT = statement(
    "INSERT INTO subjects (kind, name, user_ix, run_id, active, state, reason, size, details) "
    "SELECT kind, name || ' before import ' || :edit, user_ix, run_id, 0, state, reason, size, "
    "details FROM subjects WHERE subject_id = :subject RETURNING subject_id"
)
_COPY_ITEMS = statement(
    "INSERT INTO subject_items (subject_id, position, item_ix, owners) "
    "SELECT :to, position, item_ix, owners FROM subject_items WHERE subject_id = :from"
)
_REMEMBER = statement(
    "INSERT INTO import_subjects (edit_id, subject_id, in_use, imported, kept_id) "
    "VALUES (:edit, :subject, :in_use, 1, :kept) ON CONFLICT (edit_id, subject_id) "
    "DO UPDATE SET imported = 1, kept_id = excluded.kept_id"
)
_KEPT_OF = statement(
    "SELECT kept_id FROM import_subjects WHERE edit_id = :edit AND subject_id = :subject"
)
_FOLLOWERS = statement(
    "INSERT OR IGNORE INTO import_leads (edit_id, interest_id, canonical_id) "
    "SELECT :edit, f.interest_id, f.canonical_id FROM interests f "
    "JOIN interests n ON n.interest_id = f.canonical_id "
    "WHERE n.subject_id = :subject AND f.subject_id <> :subject"
)
_FREE_FOLLOWERS = statement(
    "UPDATE interests SET canonical_id = NULL WHERE interest_id IN "
    "(SELECT l.interest_id FROM import_leads l JOIN interests n ON n.interest_id = l.canonical_id "
    "WHERE l.edit_id = :edit AND n.subject_id = :subject)"
)
_MOVE = statement("UPDATE interests SET subject_id = :to WHERE subject_id = :from")
_MOVED = statement(
    "UPDATE import_subjects SET moved = 1 WHERE edit_id = :edit AND subject_id = :subject"
)
_LATER_IMPORT = statement(
    "SELECT max(edit_id) FROM edits WHERE kind = 'import' AND undone_at IS NULL AND edit_id > :edit"
)
_LATER_EDIT = statement(
    "SELECT max(e.edit_id) FROM edits e WHERE e.kind <> 'import' AND e.undone_at IS NULL AND "
    "EXISTS (SELECT 1 FROM interests n JOIN import_subjects i USING (subject_id) "
    "WHERE i.edit_id = :edit AND i.imported AND (i.moved OR i.kept_id IS NULL) AND "
    "n.interest_id IN "
    "(json_extract(e.payload, '$.interest'), json_extract(e.payload, '$.into')))"
)
_ASKED_SINCE = statement(
    "SELECT s.name FROM interests n JOIN import_subjects i USING (subject_id) "
    "JOIN subjects s USING (subject_id) WHERE i.edit_id = :edit AND i.imported "
    "AND (i.moved OR i.kept_id IS NULL) AND n.source <> :source LIMIT 1"
)
_DROP_INTERESTS = statement(
    "DELETE FROM interests WHERE subject_id IN (SELECT subject_id FROM import_subjects "
    "WHERE edit_id = :edit AND imported AND (moved OR kept_id IS NULL))"
)
_REPLACED = statement(
    "SELECT subject_id, kept_id, in_use FROM import_subjects "
    "WHERE edit_id = :edit AND kept_id IS NOT NULL"
)
_BRING_BACK = statement(
    "UPDATE subjects SET active = :in_use, (user_ix, run_id, state, reason, size, details) = "
    "(SELECT user_ix, run_id, state, reason, size, details FROM subjects k "
    "WHERE k.subject_id = :kept) WHERE subject_id = :subject"
)
_DROP_ITEMS = statement("DELETE FROM subject_items WHERE subject_id = :subject")
_DROP_SUBJECT = statement("DELETE FROM subjects WHERE subject_id = :subject")
_DROP_NEW = statement(
    "DELETE FROM subjects WHERE subject_id IN (SELECT subject_id FROM import_subjects "
    "WHERE edit_id = :edit AND imported AND kept_id IS NULL) "
    "AND NOT EXISTS (SELECT 1 FROM responses r WHERE r.subject_id = subjects.subject_id)"
)
_RETIRE_NEW = statement(
    "UPDATE subjects SET active = 0, state = 'pending' WHERE subject_id IN (SELECT subject_id "
    "FROM import_subjects WHERE edit_id = :edit AND imported AND kept_id IS NULL)"
)
_USE_AGAIN = statement(
    "UPDATE subjects SET active = 1 WHERE subject_id IN (SELECT subject_id FROM import_subjects "
    "WHERE edit_id = :edit AND in_use)"
)
_DROP_MEMBERS = statement(
    "DELETE FROM memberships WHERE subject_id IN (SELECT subject_id FROM import_subjects "
    "WHERE edit_id = :edit AND imported)"
)
# Whoever joined an exemplar that was chosen after the import stays with it.
_MEMBERS_AGAIN = statement(
    "INSERT OR IGNORE INTO memberships (user_ix, subject_id, similarity) "
    "SELECT i.user_ix, i.subject_id, i.similarity FROM import_members i "
    "JOIN subjects k ON k.subject_id = i.subject_id WHERE i.edit_id = :edit AND NOT EXISTS "
    "(SELECT 1 FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE m.user_ix = i.user_ix AND s.kind = 'exemplar' AND k.kind = 'exemplar' AND s.active)"
)
_LEADS_AGAIN = statement(
    "UPDATE interests SET canonical_id = (SELECT l.canonical_id FROM import_leads l "
    "WHERE l.edit_id = :edit AND l.interest_id = interests.interest_id) WHERE canonical_id IS NULL "
    "AND interest_id IN (SELECT interest_id FROM import_leads WHERE edit_id = :edit)"
)
_DONE_WITH = (
    statement("DELETE FROM import_subjects WHERE edit_id = :edit"),
    statement("DELETE FROM import_members WHERE edit_id = :edit"),
    statement("DELETE FROM import_leads WHERE edit_id = :edit"),
)
_CHOICE = statement(
    "SELECT NOT EXISTS (SELECT 1 FROM import_subjects i JOIN subjects s USING (subject_id) "
    "WHERE i.edit_id = :edit AND (i.moved OR i.kept_id IS NULL AND i.imported "
    "OR i.in_use <> s.active))"
)


def remember(connection: Connection, edit_id: int, kind: Kind, names: Sequence[str]) -> None:
    """Keep what an import is about to replace; to be called before subjects are chosen.

    Parameters
    ----------
    connection
        Of the import's write transaction.
    edit_id
        The change that the import is recorded as.
    kind
        Kind of the imported subjects. Exemplars and synthetic users replace all of their kind.
    names
        Names of the imported subjects of this kind.
    """
    edit = {"edit": edit_id}
    if kind != "user":
        connection.execute(_IN_USE, edit | {"kind": kind})
    connection.execute(_MEMBERS, edit | {"kind": kind})
    for name in names:
        found = connection.execute(_NAMED, {"name": name}).first()
        if found is None:
            continue
        subject = edit | {"subject": found.subject_id}
        kept = connection.execute(_KEEP_SUBJECT, subject).scalar_one()
        connection.execute(_COPY_ITEMS, {"to": kept, "from": found.subject_id})
        connection.execute(_REMEMBER, subject | {"in_use": found.active, "kept": kept})


def move_interests(connection: Connection, edit_id: int, subject_id: int) -> None:
    """Take a subject's interests out of use before the imported ones are stored in their place."""
    subject = {"edit": edit_id, "subject": subject_id}
    kept = connection.execute(_KEPT_OF, subject).scalar()
    if kept is None:  # the import made this subject
        connection.execute(_REMEMBER, subject | {"in_use": 0, "kept": None})
        return
    connection.execute(_FOLLOWERS, subject)
    connection.execute(_FREE_FOLLOWERS, subject)
    connection.execute(_MOVE, {"to": kept, "from": subject_id})
    connection.execute(_MOVED, subject)


def changed_nothing(connection: Connection, edit_id: int) -> bool:
    """Whether an import left subjects and interests as they were, as a second one does."""
    return bool(connection.execute(_CHOICE, {"edit": edit_id}).scalar_one())


def forget_copies(connection: Connection, edit_id: int) -> None:
    """Drop what was kept for a change that turned out to be none."""
    for row in connection.execute(_REPLACED, {"edit": edit_id}).all():
        connection.execute(_DROP_SUBJECT, {"subject": row.kept_id})
    for step in _DONE_WITH:
        connection.execute(step, {"edit": edit_id})


def take_back(connection: Connection, edit_id: int, change: Imported) -> None:
    """Bring back what an import replaced, and remove what it stored.

    Subjects that were chosen after the import stay. Who a user's own interests are has to be
    computed anew afterwards, since it rests on the whole catalogue.

    Raises
    ------
    UserError
        If a later change rests on the import: that one goes first.
    StoreError
        If a subject of the import was asked about since.
    """
    edit = {"edit": edit_id}
    _refuse_later(connection, edit_id, change)
    connection.execute(_DROP_INTERESTS, edit)
    connection.execute(_DROP_MEMBERS, edit)
    connection.execute(_RETIRE_NEW, edit)
    connection.execute(_DROP_NEW, edit)
    for row in connection.execute(_REPLACED, edit).all():
        subject, kept = {"subject": row.subject_id}, {"subject": row.kept_id}
        places = {"to": row.subject_id, "from": row.kept_id}
        connection.execute(_BRING_BACK, subject | {"kept": row.kept_id, "in_use": row.in_use})
        connection.execute(_DROP_ITEMS, subject)
        connection.execute(_COPY_ITEMS, places)
        connection.execute(_MOVE, places)
        connection.execute(_DROP_SUBJECT, kept)
    connection.execute(_USE_AGAIN, edit)
    connection.execute(_MEMBERS_AGAIN, edit)
    connection.execute(_LEADS_AGAIN, edit)
    for step in _DONE_WITH:
        connection.execute(step, edit)


def _refuse_later(connection: Connection, edit_id: int, change: Imported) -> None:
    edit = {"edit": edit_id}
    for query in (_LATER_IMPORT, _LATER_EDIT):
        later = connection.execute(query, edit).scalar()
        if later is not None:
            raise UserError(
                f"edit {later} came after this import and rests on it; take it back first: "
                f"profiler undo {later}"
            )
    asked = connection.execute(_ASKED_SINCE, edit | {"source": change.source}).scalar()
    if asked is not None:
        raise StoreError(
            f"{asked} was asked about since this import, and the answer would be lost; put back a "
            "copy from before with: profiler restore BACKUP --store FILE --overwrite"
        )
