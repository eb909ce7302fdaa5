"""Forget a user: their rows, what was asked about them, and every text that only they caused.

What rested on the user goes too, or waits for the next build: their exemplar and the interests
inferred from it are removed (their members join another exemplar then), synthetic users it was part
of lose their interests and are pending. The user's number stays behind without a name, because
the numbers of all others, in this store and in trained models, count from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, text

from store.data.dataset import ITEM_TEXTS, item_text
from store.data.splits import Part
from store.db.sweeping import PENDING, sweep
from store.digests import canonical_json, text_digest
from store.errors import StoreError
from store.tables import texts
from store.tables.datasets import content_digest, forgotten_name
from store.tables.histories.door import Histories, item_users
from store.tables.tasks.cards import card_digests
from store.tables.tasks.descriptions import description_digests
from store.upkeep.disputes import forget_disputes
from store.upkeep.forget_answers import remove_caused
from store.upkeep.traces import collect_needles, find_traces
from store.views.subjects.users import find_user

if TYPE_CHECKING:
    from store.store import Store

REASON = "a member was forgotten; the next build chooses anew"

_OWN_SUBJECTS = "SELECT subject_id FROM subjects WHERE user_ix = ? ORDER BY subject_id"

# Memberships of synthetic users no longer in use are not kept, so whoever might be part of one is
# taken to be: sharing one item is enough.
_SYNTHETIC = (
    "SELECT s.subject_id FROM subjects s WHERE s.kind = 'synthetic' AND (EXISTS (SELECT 1 FROM "
    "memberships m WHERE m.subject_id = s.subject_id AND m.user_ix = ?1) OR (NOT s.active AND "
    "EXISTS (SELECT 1 FROM subject_items t WHERE t.subject_id = s.subject_id "
    "AND t.item_ix IN (SELECT value FROM json_each(?2))))) ORDER BY s.subject_id"
)
_MEMBERS = "SELECT user_ix FROM memberships WHERE subject_id = ?"
_OWNERS_LEFT = (
    "UPDATE subject_items SET owners = coalesce((SELECT x.value FROM json_each(?2) x "
    "WHERE x.key = CAST(item_ix AS TEXT)), 0) WHERE subject_id = ?1"
)


def forget_user(store: Store, user_id: str) -> dict[str, int]:
    """Remove a user and sweep the file; the count of what went, by kind.

    Raises
    ------
    StoreError
        If the user is unknown, another program holds the file so that it cannot be swept, or
        traces are left in it.
    """
    with store.write() as connection:
        user_ix = find_user(connection, user_id, store).user_ix
        own = list(connection.exec_driver_sql(_OWN_SUBJECTS, (user_ix,)).scalars())
        items = Histories(connection).items_as_json(user_ix)
        synthetic = list(connection.exec_driver_sql(_SYNTHETIC, (user_ix, items)).scalars())
        needles = collect_needles(connection, user_id, [*own, *synthetic], [user_ix])
        counts = {"interactions": Histories(connection).remove_user(user_ix)}
        left_alone = _members_left(connection, own, user_ix)
        counts |= _remove_answers(connection, [*own, *synthetic], user_ix)
        counts |= _remove_interests(connection, [*own, *synthetic])
        _remove_user(connection, user_ix)
        counts |= {"subjects removed": len(own), "members without an exemplar": left_alone}
        _refuse_remains(connection, user_id, [*own, *synthetic], user_ix)
        _delete_subjects(connection, own)
        counts |= _renew_synthetic(connection, synthetic)
        counts["text vectors"] = _remove_unused_vectors(connection)
        _refresh(store, connection)
        store.set_meta(**{PENDING: True})
    store.datasets.remove_unnamed()
    sweep(store.engine, store.path)
    left = find_traces(store, needles)
    if left:
        raise StoreError(
            f"user {user_id!r} is removed, but {store.path} still holds {len(left)} texts that "
            f"only it caused (first: {left[0][:40]!r}); close other programs that use the store "
            f"and run: profiler forget --store {store.path}"
        )
    store.drop_meta(PENDING)
    return counts | {"texts searched for in the file": len(needles)}


def sweep_left(store: Store) -> None:
    """Sweep the file of what forgotten users left in it, and record that it is done.

    Raises
    ------
    StoreError
        If another program is using the store.
    """
    if store.read_only:
        raise StoreError(f"nothing can be swept: {store.read_only}")
    store.datasets.remove_unnamed()
    sweep(store.engine, store.path)
    if store.meta(PENDING):
        store.drop_meta(PENDING)


def _members_left(connection: Connection, subjects: Sequence[int], user_ix: int) -> int:
    query = text(
        "SELECT count(DISTINCT user_ix) FROM memberships "
        "WHERE subject_id IN :ids AND user_ix <> :user"
    ).bindparams(bindparam("ids", expanding=True))
    values = {"ids": list(subjects), "user": user_ix}
    return int(connection.execute(query, values).scalar_one())


def _run(connection: Connection, statement: str, ids: Sequence[int]) -> int:
    query = text(statement).bindparams(bindparam("ids", expanding=True))
    return int(connection.execute(query, {"ids": list(ids)}).rowcount)


def _remove_answers(
    connection: Connection, subjects: Sequence[int], user_ix: int
) -> dict[str, int]:
    """Remove raw answers and prompts; the ledger keeps that a call was made and what it cost."""
    counts = remove_caused(connection, subjects, user_ix)
    counts["answers"] += _remove_conversations(connection)
    _run(connection, "DELETE FROM questions WHERE subject_id IN :ids", subjects)
    _run(connection, "DELETE FROM batch_rows WHERE subject_id IN :ids", subjects)
    prompts = connection.exec_driver_sql(
        "DELETE FROM prompts WHERE digest NOT IN "
        "(SELECT prompt_digest FROM responses WHERE prompt_digest IS NOT NULL "
        "UNION SELECT prompt_digest FROM questions)"
    ).rowcount
    return counts | {"prompts": int(prompts)}


def _remove_conversations(connection: Connection) -> int:
    """Remove what ``profiler ask`` looked up and was told: any of it may quote the user."""
    of_ask = (
        "SELECT response_id FROM responses JOIN prompts ON prompts.digest = prompt_digest "
        "WHERE template = 'ask'"
    )
    ids = list(connection.exec_driver_sql(of_ask).scalars())
    _run(connection, "UPDATE attempts SET response_id = NULL WHERE response_id IN :ids", ids)
    return _run(connection, "DELETE FROM responses WHERE response_id IN :ids", ids)


def _remove_interests(connection: Connection, subjects: Sequence[int]) -> dict[str, int]:
    """Remove interests with their full text, and the changes by hand that quote them."""
    texts.remove_edits(connection, subjects)
    removed = _run(connection, "DELETE FROM interests WHERE subject_id IN :ids", subjects)
    # A deletion only marks the terms in the index; building it anew leaves them out.
    connection.exec_driver_sql("INSERT INTO interests_fts (interests_fts) VALUES ('rebuild')")
    return {"interests": removed}


def _remove_user(connection: Connection, user_ix: int) -> None:
    forget_disputes(connection, user_ix)
    for statement in (
        "UPDATE subjects SET size = max(size - 1, 1) WHERE subject_id IN "
        "(SELECT subject_id FROM memberships WHERE user_ix = ?)",
        "DELETE FROM memberships WHERE user_ix = ?",
        "DELETE FROM import_members WHERE user_ix = ?",
        "DELETE FROM assignments WHERE user_ix = ?",
        "UPDATE users SET split = 'train', forgotten = 1 WHERE user_ix = ?",
    ):
        connection.exec_driver_sql(statement, (user_ix,))
    connection.exec_driver_sql(
        "UPDATE users SET user_id = ? WHERE user_ix = ?",
        (forgotten_name(connection, user_ix), user_ix),
    )


def _refuse_remains(
    connection: Connection, user_id: str, subjects: Sequence[int], user_ix: int
) -> None:
    """Undo everything where a column of the list was not seen to: nothing half is committed."""
    left = texts.remaining(connection, subjects, [user_ix])
    if left:
        raise StoreError(
            f"user {user_id!r} is not removed, nothing is changed: {left[0]} would still hold "
            "texts about it; this is a fault of the program, please report it"
        )


def _delete_subjects(connection: Connection, subjects: Sequence[int]) -> None:
    _run(connection, "DELETE FROM subjects WHERE subject_id IN :ids", subjects)


def _renew_synthetic(connection: Connection, subjects: Sequence[int]) -> dict[str, int]:
    """Keep what the members left own; fewer than two members are nobody."""
    gone = list(
        connection.execute(
            text(
                "SELECT subject_id FROM subjects s WHERE subject_id IN :ids AND (SELECT count(*) "
                "FROM memberships m WHERE m.subject_id = s.subject_id) < 2"
            ).bindparams(bindparam("ids", expanding=True)),
            {"ids": list(subjects)},
        ).scalars()
    )
    _delete_subjects(connection, gone)
    kept = [subject for subject in subjects if subject not in set(gone)]
    for subject in kept:
        members = list(connection.exec_driver_sql(_MEMBERS, (subject,)).scalars())
        seen = Histories(connection).of_users(members)
        seen = seen.rows(seen.parts == Part.TRAIN)
        owners = {item: users for item, users, _ in item_users(seen)}
        connection.exec_driver_sql(_OWNERS_LEFT, (subject, canonical_json(owners)))
    _run(connection, "DELETE FROM subject_items WHERE owners = 0 AND subject_id IN :ids", kept)
    for subject in kept:  # the old name is a digest of the members, the forgotten one included
        connection.execute(
            text(
                "UPDATE subjects SET state = 'pending', reason = :reason, "
                "name = :name WHERE subject_id = :id"
            ),
            {"reason": REASON, "name": f"synthetic:renewed-{subject}", "id": subject},
        )
    return {"synthetic users removed": len(gone), "synthetic users pending": len(kept)}


def _remove_unused_vectors(connection: Connection) -> int:
    """Remove vectors of texts that are of no item, card, description or interest.

    Those of whole histories (``--history text``) are among them; a build encodes them again.
    """
    import json

    items = connection.exec_driver_sql("SELECT title, categories FROM items").all()
    used = {
        text_digest(item_text(title, json.loads(categories), style))
        for title, categories in items
        for style in ITEM_TEXTS
    }
    used |= set(connection.exec_driver_sql("SELECT text_digest FROM interests").scalars())
    used |= card_digests(connection) | description_digests(connection)
    used |= set(
        connection.exec_driver_sql(
            "SELECT json_extract(payload, '$.vector_digest') FROM edits WHERE kind = 'rename' "
            "UNION SELECT json_extract(payload, '$.before.text_digest') FROM edits "
            "WHERE kind = 'rename'"
        ).scalars()
    )
    stored = connection.exec_driver_sql("SELECT DISTINCT digest FROM vectors").scalars()
    unused = [(digest,) for digest in stored if digest not in used]
    if unused:
        connection.exec_driver_sql("DELETE FROM vectors WHERE digest = ?", unused)
    return len(unused)


def _refresh(store: Store, connection: Connection) -> None:
    """Tell later steps that the data changed: they choose, assign and merge anew."""
    connection.exec_driver_sql(
        "DELETE FROM meta WHERE key IN ('choice_digest', 'assigned_digest', 'merged_digest')"
    )
    digest = content_digest(connection)
    store.set_meta(content_digest=digest, dataset_digest=digest)
