"""Search stored interests: by words (FTS5) and by meaning (vectors), merged into one ranking.

Meaning needs no encoder: the interests whose words match, and those proven by items whose titles
match, tell with their stored vectors what is meant, and the nearest other interests join (pseudo
relevance feedback, Rocchio). A query that meets no stored word finds nothing this way and says so;
a vector of the query itself can be handed in instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from store.data.languages import FUNCTION_WORDS
from store.db.statements import statement
from store.errors import UserError
from store.store import Store
from store.views.interests.catalogue import reached
from store.views.items import escape_like
from store.views.shared.row import Row
from store.views.subjects.users import Item, evidence_of

_OPERATORS = re.compile(r'["*():^+]|\b(AND|OR|NOT|NEAR)\b')
_SEEDS = 20
_RANK_OFFSET = 60
"""Reciprocal rank fusion, constant of Cormack, Clarke and Buettcher (SIGIR 2009)."""

_LEAST = 0.6
"""Least cosine to the feedback vector that is a hit by meaning: 95 of 100 pairs of interests on
Amazon Office lie below it (benchmarks/bench_explanations.py)."""

_LEAST_TO_QUERY = 0.35
"""The same to the query's own vector; a few words lie further from a description (our choice)."""

_MOST_VECTORS = 5_000
"""Interests that are all compared by meaning; in a larger store only neighbours of the hits."""

_MOST_NEIGHBOURS = 500
"""Interests compared in a larger store: those that share most evidence with the hits."""

_COMMON = 10_000
"""A word that more interests than this have tells them apart no longer, and ranking all of them
takes seconds in a store of a million (benchmarks/bench_reading_store.py): they come unranked."""

_MOST_ITEMS = 200
"""Items whose title holds the query: those with the lowest number, which most users have."""

_COUNT = statement(
    "SELECT count(*) FROM (SELECT 1 FROM interests_fts WHERE interests_fts MATCH :query "
    "LIMIT :limit)"
)
_UNRANKED = statement(
    "SELECT f.rowid FROM (SELECT rowid FROM interests_fts WHERE interests_fts MATCH :query "
    "LIMIT :most) f CROSS JOIN interests n ON n.interest_id = f.rowid "
    "CROSS JOIN subjects s ON s.subject_id = n.subject_id WHERE s.active LIMIT :limit"
)
# The best first, then which of them are in use; CROSS JOIN keeps that order, which is the fast one.
_WORD_HITS = statement(
    "SELECT f.rowid FROM (SELECT rowid, bm25(interests_fts, 2.0, 1.0) AS score FROM interests_fts "
    "WHERE interests_fts MATCH :query ORDER BY score, rowid LIMIT :most) f "
    "CROSS JOIN interests n ON n.interest_id = f.rowid "
    "CROSS JOIN subjects s ON s.subject_id = n.subject_id "
    "WHERE s.active ORDER BY f.score, f.rowid LIMIT :limit"
)
_ITEM_HITS = statement(
    "SELECT h.interest_id FROM (SELECT e.interest_id, count(*) AS items FROM (SELECT item_ix "
    "FROM items WHERE title LIKE :pattern ESCAPE '\\' ORDER BY item_ix LIMIT :items) i "
    "CROSS JOIN evidence e ON e.item_ix = i.item_ix GROUP BY e.interest_id "
    "ORDER BY items DESC, e.interest_id LIMIT :most) h "
    "CROSS JOIN interests n ON n.interest_id = h.interest_id "
    "CROSS JOIN subjects s ON s.subject_id = n.subject_id "
    "WHERE s.active ORDER BY h.items DESC, h.interest_id LIMIT :limit"
)
_NEIGHBOURS = statement(
    "SELECT interest_id, text_digest FROM interests WHERE interest_id IN (SELECT interest_id FROM "
    "(SELECT f.interest_id FROM evidence e JOIN evidence f ON f.item_ix = e.item_ix "
    "WHERE e.interest_id IN :seeds LIMIT :rows) GROUP BY interest_id "
    "ORDER BY count(*) DESC, interest_id LIMIT :limit) OR interest_id IN :seeds",
    "seeds",
)
_MANY = statement(
    "SELECT count(*) FROM (SELECT 1 FROM interests JOIN subjects USING (subject_id) "
    "WHERE active LIMIT :limit)"
)
_IN_USE = statement(
    "SELECT interest_id, text_digest FROM interests JOIN subjects USING (subject_id) "
    "WHERE active ORDER BY interest_id LIMIT :limit"
)
_LEADS = statement(
    "SELECT interest_id, canonical_id FROM interests WHERE interest_id IN :ids "
    "AND canonical_id IS NOT NULL",
    "ids",
)
_HITS = statement(
    "SELECT n.interest_id, n.label, n.description, n.source, n.canonical_id, s.name AS subject "
    "FROM interests n JOIN subjects s USING (subject_id) WHERE n.interest_id IN :ids",
    "ids",
)
_SUBJECTS = statement(
    "SELECT DISTINCT s.name FROM interests n JOIN subjects s USING (subject_id) "
    "WHERE s.active AND (n.interest_id = :lead OR n.canonical_id = :lead) ORDER BY s.name"
)


@dataclass(frozen=True)
class Hit(Row):
    """An interest that fits a query.

    Attributes
    ----------
    canonical_id, subject, subjects
        None, because a hit stands for itself; whose it is; and whose the interests are that say
        the same.
    users, some_users
        How many users it reaches with those under it, and a few of them.
    evidence
        The items that prove it.
    by
        What found it or one under it: ``words``, ``items``, ``meaning``.
    """

    interest_id: int
    label: str
    description: str
    source: str
    canonical_id: int | None
    subject: str
    subjects: list[str]
    users: int
    some_users: list[str]
    evidence: list[Item]
    by: list[str]


def search(
    store: Store, query: str, *, limit: int = 10, vector: NDArray[np.float32] | None = None
) -> list[Hit]:
    """Return the stored interests that fit ``query``, best first; near-duplicates are one hit.

    Parameters
    ----------
    store
        The store.
    query
        Words; or an FTS5 expression (``gel AND pen*``, ``"fine liner"``).
    limit
        Maximum number of hits.
    vector
        Unit vector of the query by the store's encoder, ``[d_t]``; replaces the feedback vector.

    Raises
    ------
    UserError
        If the query is empty or its syntax is wrong.
    """
    with store.read() as connection:
        rankings = _rankings(store, connection, query, limit, vector)
        alike = _under_leads(connection, _fused(rankings), limit)
        return _described(connection, alike, rankings)


def find_interests(store: Store, query: str, *, limit: int) -> list[int]:
    """Return the ids that :func:`search` would describe, best first, without describing them.

    Raises
    ------
    UserError
        If the query is empty or its syntax is wrong.
    """
    with store.read() as connection:
        rankings = _rankings(store, connection, query, limit, None)
        return list(_under_leads(connection, _fused(rankings), limit))


def _rankings(
    store: Store,
    connection: Connection,
    query: str,
    limit: int,
    vector: NDArray[np.float32] | None,
) -> dict[str, list[int]]:
    """What finds interests → their ids, best first."""
    rankings = {
        "words": _by_words(connection, query, limit * 5),
        "items": _by_items(connection, query, limit * 5),
    }
    seeds = list(dict.fromkeys([*rankings["words"], *rankings["items"]]))[:_SEEDS]
    rankings["meaning"] = _by_meaning(store, connection, seeds, vector, limit * 5)
    return rankings


def _by_words(connection: Connection, query: str, limit: int) -> list[int]:
    expression = match_expression(query)
    values = {"most": 20 * limit, "limit": limit}
    try:
        if expression != query:
            expression = _rare_words(connection, expression)
        if _matches(connection, expression) <= _COMMON:
            return list(connection.execute(_WORD_HITS, {"query": expression, **values}).scalars())
        found: dict[int, None] = {}
        for one in (f"label : ({expression})", expression):  # labels say more than descriptions
            found |= dict.fromkeys(
                connection.execute(_UNRANKED, {"query": one, **values}).scalars()
            )
        return list(found)[:limit]
    except OperationalError as error:
        raise UserError(
            f"cannot read the query {query!r} ({error.orig}); use plain words, or balanced quotes "
            'and AND, OR, NOT, word* as in: "gel pen" OR fineliner*'
        ) from error


def _rare_words(connection: Connection, expression: str) -> str:
    """Return the expression without common words; all words at once where all are common."""
    words = expression.split(" OR ")
    rare = [word for word in words if _matches(connection, word) <= _COMMON]
    return " OR ".join(rare) if rare else " AND ".join(words)


def _matches(connection: Connection, expression: str) -> int:
    """How many interests match, counted no further than one beyond :data:`_COMMON`."""
    values = {"query": expression, "limit": _COMMON + 1}
    return int(connection.execute(_COUNT, values).scalar_one())


def match_expression(query: str) -> str:
    """Return an FTS5 expression: the query itself if it uses operators, else any of its words.

    Raises
    ------
    UserError
        If the query has no word to look for.
    """
    if not query.strip():
        raise UserError("the query is empty; give at least one word")
    if _OPERATORS.search(query):
        return query
    words = re.findall(r"\w+", query)
    if not words:
        raise UserError(f"the query {query!r} has no word in it")
    # Words such as "with" are in every description; a query of nothing else is taken as it is.
    words = [word for word in words if word.casefold() not in FUNCTION_WORDS] or words
    return " OR ".join(f'"{word}"' for word in words)


def _by_items(connection: Connection, query: str, limit: int) -> list[int]:
    pattern = f"%{escape_like(query.strip())}%"
    values = {"pattern": pattern, "items": _MOST_ITEMS, "most": 20 * limit, "limit": limit}
    return list(connection.execute(_ITEM_HITS, values).scalars())


def _by_meaning(
    store: Store,
    connection: Connection,
    seeds: Sequence[int],
    vector: NDArray[np.float32] | None,
    limit: int,
) -> list[int]:
    encoder = store.meta("encoder")
    if encoder is None or (vector is None and not seeds):
        return []
    candidates = _candidates(connection, seeds)
    vectors = store.vectors.of_interests(candidates, encoder)
    if not vectors:
        return []
    ids = np.array(list(vectors), dtype=np.int64)
    matrix = np.stack(list(vectors.values()))
    least = _LEAST_TO_QUERY
    if vector is None:
        members = matrix[np.isin(ids, seeds)]
        if not len(members):
            return []
        vector, least = members.mean(axis=0), _LEAST
        vector /= max(float(np.linalg.norm(vector)), 1e-9)
    cosines = matrix @ vector
    order = np.lexsort((ids, -cosines))[:limit]
    return [int(ids[row]) for row in order if cosines[row] >= least]


def _candidates(connection: Connection, seeds: Sequence[int]) -> list[tuple[int, str]]:
    if connection.execute(_MANY, {"limit": _MOST_VECTORS + 1}).scalar_one() <= _MOST_VECTORS:
        rows = connection.execute(_IN_USE, {"limit": _MOST_VECTORS})
        return [(row[0], row[1]) for row in rows]
    values = {"seeds": list(seeds), "rows": 20 * _MOST_NEIGHBOURS, "limit": _MOST_NEIGHBOURS}
    return [(row[0], row[1]) for row in connection.execute(_NEIGHBOURS, values)]


def _fused(rankings: dict[str, list[int]]) -> list[int]:
    scores: dict[int, float] = {}
    for ranking in rankings.values():
        for rank, interest in enumerate(ranking):
            scores[interest] = scores.get(interest, 0.0) + 1 / (_RANK_OFFSET + rank)
    return sorted(scores, key=lambda interest: (-scores[interest], interest))


def _under_leads(connection: Connection, best: Sequence[int], limit: int) -> dict[int, list[int]]:
    """The first ``limit`` interests that stand for themselves, each with the hits under it."""
    rows = connection.execute(_LEADS, {"ids": list(best)})
    leads = {row[0]: row[1] for row in rows}
    found: dict[int, list[int]] = {}
    for interest in best:
        lead = leads.get(interest, interest)
        if lead in found or len(found) < limit:
            found.setdefault(lead, []).append(interest)
    return found


def _described(
    connection: Connection, alike: dict[int, list[int]], rankings: dict[str, list[int]]
) -> list[Hit]:
    best = list(alike)
    rows = {row["interest_id"]: row for row in connection.execute(_HITS, {"ids": best}).mappings()}
    evidence = evidence_of(connection, best)
    reach = reached(connection, best)
    hits = []
    for interest in best:
        hits.append(
            Hit(
                **rows[interest],
                subjects=list(connection.execute(_SUBJECTS, {"lead": interest}).scalars()),
                users=reach[interest].users,
                some_users=reach[interest].some_users,
                evidence=[Item(e.item_id, e.title) for e in evidence.get(interest, [])],
                by=[
                    name
                    for name, ranking in rankings.items()
                    if set(alike[interest]) & set(ranking)
                ],
            )
        )
    return hits
