"""The whole catalogue as arrays: whose own history shows which group of interests, and where from.

A *group* is an interest that stands for itself with all that stand under it, as ``profiler
interests`` lists them; its number is that of the interest that stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from store.db.driver import driver_connection
from store.db.statements import statement

if TYPE_CHECKING:
    from sqlalchemy import Connection, TextClause

    from store.store import Store

_AT_ONCE = 200_000
"""Rows that are fetched at once."""
_BLOCK = 5_000
"""Values in one IN list; SQLite takes 32,766."""

# Millions of rows: read as they lie, and put together with the interests as arrays.
_OWN = "SELECT interest_id, user_ix FROM assignments"
_OWN_ITEMS = "SELECT interest_id, user_ix, item_ix FROM assignment_items"
_LEADS = (
    "SELECT n.interest_id, coalesce(n.canonical_id, n.interest_id) FROM interests n "
    "JOIN subjects s USING (subject_id) WHERE s.active ORDER BY n.interest_id"
)
_DISPUTED = "SELECT interest_id, user_ix FROM disputes"
_REPRESENTED = statement(
    "SELECT m.user_ix, m.subject_id, m.similarity FROM memberships m "
    "JOIN subjects s USING (subject_id) WHERE s.active AND s.kind = 'exemplar' ORDER BY m.user_ix"
)
_GROUNDED = statement(
    "SELECT count(*), coalesce(sum(EXISTS (SELECT 1 FROM evidence e "
    "WHERE e.interest_id = n.interest_id) AND NOT EXISTS (SELECT 1 FROM evidence e "
    "WHERE e.interest_id = n.interest_id AND e.item_ix NOT IN (SELECT t.item_ix "
    "FROM subject_items t WHERE t.subject_id = n.subject_id))), 0) "
    "FROM interests n JOIN subjects s USING (subject_id) WHERE s.active"
)
_SHOWN_BY = statement(
    "SELECT DISTINCT a.user_ix FROM assignments a JOIN interests n USING (interest_id) "
    "JOIN users u ON u.user_ix = a.user_ix AND NOT u.forgotten "
    "WHERE (n.interest_id = :group OR n.canonical_id = :group) AND undisputed(a) "
    "ORDER BY a.score DESC LIMIT :most"
)
_VERSION = statement(
    "SELECT (SELECT count(*) FROM users WHERE forgotten), (SELECT max(run_id) FROM runs), "
    "(SELECT max(finished_at) FROM runs), (SELECT max(edit_id) FROM edits), "
    "(SELECT count(*) FROM edits WHERE undone_at IS NOT NULL), (SELECT group_concat(value) "
    "FROM meta WHERE key IN ('content_digest', 'assigned_digest', 'merged_digest'))"
)
_USERS = statement("SELECT count(*) FROM users WHERE NOT forgotten")
_FORGOTTEN = statement("SELECT user_ix FROM users WHERE forgotten")
_OWN_INTERESTS = statement(
    "SELECT coalesce(n.canonical_id, n.interest_id) AS lead, a.score FROM assignments a "
    "JOIN interests n USING (interest_id) JOIN subjects s USING (subject_id) "
    "WHERE a.user_ix = :user AND s.active AND undisputed(a) ORDER BY a.rank"
)
_OWN_PROOF = statement(
    "SELECT coalesce(n.canonical_id, n.interest_id) AS lead, a.item_ix, max(a.similarity) "
    "FROM assignment_items a JOIN interests n USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE a.user_ix = :user AND s.active AND undisputed(a) "
    "GROUP BY lead, a.item_ix ORDER BY lead, 3 DESC, a.item_ix"
)
_EVIDENCE = statement(
    "SELECT coalesce(n.canonical_id, n.interest_id) AS lead, e.item_ix FROM interests n "
    "JOIN subjects s USING (subject_id) JOIN evidence e USING (interest_id) "
    "WHERE s.active AND (n.interest_id IN :ids OR n.canonical_id IN :ids) "
    "ORDER BY n.canonical_id IS NOT NULL, n.interest_id, e.position",
    "ids",
)
_TEXT_DIGESTS = statement(
    "SELECT interest_id, text_digest FROM interests WHERE interest_id IN :ids",
    "ids",
)
_ORIGINS = statement(
    "SELECT interest_id, subject_id, source, response_id FROM interests WHERE interest_id IN :ids",
    "ids",
)
_SUBJECTS = statement(
    "SELECT s.subject_id, s.kind, s.name, s.user_ix, s.size, (SELECT json_group_array(item_ix) "
    "FROM (SELECT item_ix FROM subject_items i WHERE i.subject_id = s.subject_id "
    "ORDER BY position)) AS items, (SELECT count(*) FROM memberships m "
    "WHERE m.subject_id = s.subject_id) AS members FROM subjects s WHERE s.subject_id IN :ids",
    "ids",
)
_SUBJECT_INTERESTS = statement(
    "SELECT subject_id, interest_id, label, coalesce(canonical_id, interest_id) FROM interests "
    "WHERE subject_id IN :ids ORDER BY subject_id, position",
    "ids",
)
_ANSWERS = statement(
    "SELECT r.response_id, r.model, r.method, r.raw_text, r.created_at, p.messages "
    "FROM responses r LEFT JOIN prompts p ON p.digest = r.prompt_digest "
    "WHERE r.response_id IN :ids",
    "ids",
)


@dataclass(frozen=True)
class SubjectOrigin:
    """Whoever a question was about: the items read, and the users it stands for."""

    subject_id: int
    kind: str
    name: str
    user_ix: int | None
    members: int
    items: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What a model said, and the messages it was sent (``None`` where they were not kept)."""

    response_id: int
    model: str
    method: str
    text: str
    created_at: str
    messages: str | None


def own_reach(store: Store) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return groups and user_ix, a pair for each user whose own history shows a group."""
    with store.read() as connection:
        found = _columns(connection, _OWN, 2)
    return found[0], found[1]


def own_items(
    store: Store,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return groups, user_ix and item_ix: the users' own items that show a group of theirs."""
    with store.read() as connection:
        found = _columns(connection, _OWN_ITEMS, 3)
    return found[0], found[1], found[2]


def shown_by(store: Store, group: int, most: int) -> list[int]:
    """Users whose own history shows a group, those who show it best first."""
    with store.read() as connection:
        values = {"group": group, "most": most}
        return [int(user) for user in connection.execute(_SHOWN_BY, values).scalars()]


def forgotten_users(store: Store) -> set[int]:
    """Numbers of users that were forgotten."""
    with store.read() as connection:
        return set(connection.execute(_FORGOTTEN).scalars())


def count_users(store: Store) -> int:
    """How many users there are, forgotten ones left out."""
    with store.read() as connection:
        return int(connection.execute(_USERS).scalar_one())


def store_version(store: Store) -> str:
    """Text that changes whenever users, interests, assignments or changes by hand do."""
    with store.read() as connection:
        return repr(tuple(connection.execute(_VERSION).one()))


def grounded_interests(store: Store) -> tuple[int, int]:
    """How many interests name evidence, all of it among what was read; and how many there are."""
    with store.read() as connection:
        written, grounded = connection.execute(_GROUNDED).one()
    return int(grounded), int(written)


def represented(store: Store) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return user_ix, subject_id of their exemplar and their similarity (NaN where unknown)."""
    with store.read() as connection:
        rows = connection.execute(_REPRESENTED).all()
    similarity = [np.nan if row[2] is None else float(row[2]) for row in rows]
    return (
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array(similarity, dtype=np.float64),
    )


@dataclass(frozen=True)
class OwnInterest:
    """A group that a user's own history shows.

    Attributes
    ----------
    group, score
        Its number, and how much of the history it covers, weighted by similarity.
    items
        (item_ix, similarity) of the user's items that show it, the most similar first.
    """

    group: int
    score: float
    items: tuple[tuple[int, float], ...]


def own_interests(store: Store, user_ix: int) -> list[OwnInterest]:
    """Groups that one user's own history shows, the one that covers most of it first."""
    with store.read() as connection:
        scores: dict[int, float] = {}
        for lead, score in connection.execute(_OWN_INTERESTS, {"user": user_ix}):
            scores[lead] = max(scores.get(lead, 0.0), float(score))
        proof: dict[int, list[tuple[int, float]]] = {lead: [] for lead in scores}
        for lead, item, similarity in connection.execute(_OWN_PROOF, {"user": user_ix}):
            proof[lead].append((int(item), float(similarity)))
    return [OwnInterest(lead, score, tuple(proof[lead])) for lead, score in scores.items()]


def text_digests(store: Store, interests: Sequence[int]) -> list[tuple[int, str]]:
    """Each interest with the address of the text that is encoded."""
    return [(row[0], row[1]) for row in _in_blocks(store, _TEXT_DIGESTS, interests)]


def evidence_of_groups(store: Store, groups: Sequence[int]) -> dict[int, list[int]]:
    """Items (item_ix) that prove each group, each once, those of its own interest first."""
    found: dict[int, dict[int, None]] = {group: {} for group in groups}
    for lead, item in _in_blocks(store, _EVIDENCE, groups):
        found[lead][item] = None
    return {group: list(items) for group, items in found.items()}


def origins_of(store: Store, interests: Sequence[int]) -> dict[int, tuple[int, str, int | None]]:
    """Subject, source and response of each interest."""
    rows = _in_blocks(store, _ORIGINS, interests)
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def subject_origins(store: Store, subjects: Sequence[int]) -> dict[int, SubjectOrigin]:
    """Whom each subject is about and what was read of it."""
    import json

    return {
        row.subject_id: SubjectOrigin(
            subject_id=row.subject_id,
            kind=row.kind,
            name=row.name,
            user_ix=row.user_ix,
            members=int(row.members or row.size),
            items=tuple(json.loads(row.items)),
        )
        for row in _in_blocks(store, _SUBJECTS, subjects)
    }


def interests_of_subjects(
    store: Store, subjects: Sequence[int]
) -> dict[int, list[tuple[int, str, int]]]:
    """Interests of each subject in the order of its answer: id, label and group."""
    found: dict[int, list[tuple[int, str, int]]] = {subject: [] for subject in subjects}
    for subject, interest, label, group in _in_blocks(store, _SUBJECT_INTERESTS, subjects):
        found[subject].append((interest, label, group))
    return found


def answers_of(store: Store, responses: Sequence[int]) -> dict[int, Answer]:
    """Answers by response id."""
    return {row[0]: Answer(*row) for row in _in_blocks(store, _ANSWERS, responses)}


def _in_blocks(store: Store, query: TextClause, ids: Sequence[int]) -> Iterable[Any]:
    """Rows of a query with an IN list ``:ids``, block by block, in one snapshot."""
    with store.read() as connection:
        for start in range(0, len(ids), _BLOCK):
            yield from connection.execute(query, {"ids": list(ids[start : start + _BLOCK])}).all()


def _columns(connection: Connection, query: str, number: int) -> NDArray[np.int64]:
    """Groups and what else a query has of interests in use, ``[number, rows]``, each row once."""
    found = _numbers(connection, query, number)
    leads = _numbers(connection, _LEADS, 2)
    place = np.searchsorted(leads[0], found[0])
    place[place == leads.shape[1]] = 0
    in_use = leads[0][place] == found[0] if leads.shape[1] else np.zeros(found.shape[1], bool)
    found, place = found[:, in_use], place[in_use]
    groups = leads[1][place]
    disputed = _numbers(connection, _DISPUTED, 2)
    if disputed.shape[1]:  # an interest that is disputed takes with it those that it stands for
        width = 1 + max(int(found[1].max(initial=0)), int(disputed[1].max()))
        wrong = disputed[0] * width + disputed[1]
        right = ~np.isin(found[0] * width + found[1], wrong)
        right &= ~np.isin(groups * width + found[1], wrong)
        found, groups = found[:, right], groups[right]
    found[0] = groups
    found = found[:, np.lexsort(found[::-1])]
    fresh = np.ones(found.shape[1], dtype=bool)
    fresh[1:] = (np.diff(found, axis=1) != 0).any(axis=0)
    return np.ascontiguousarray(found[:, fresh])


def _numbers(connection: Connection, query: str, number: int) -> NDArray[np.int64]:
    """Whole numbers of a query's rows, ``[number, rows]``."""
    rows = driver_connection(connection).execute(query)
    pieces = [np.zeros((0, number), dtype=np.int64)]
    while block := rows.fetchmany(_AT_ONCE):
        pieces.append(np.array(block, dtype=np.int64))
    return np.ascontiguousarray(np.concatenate(pieces).T)
