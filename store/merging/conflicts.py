"""Where two stores contradict each other, so that they cannot be one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from store.db.statements import statement
from store.merging.facts import MUST_AGREE, facts

SHOWN = 3
"""Users or items named of each kind of conflict; the others are counted."""

_OUTSIDE = statement(
    "SELECT (SELECT count(*) FROM main.interaction_parts), "
    "(SELECT count(*) FROM other.interaction_parts)"
)
_ITEMS = statement(
    "SELECT n.item_id FROM main.items n JOIN other.items o ON o.item_id = n.item_id "
    "WHERE n.title IS NOT o.title OR n.categories <> o.categories ORDER BY n.item_id"
)
_SPLITS = statement(
    "SELECT n.user_id FROM main.users n JOIN other.users o ON o.user_id = n.user_id "
    "WHERE n.split <> o.split AND NOT n.forgotten AND NOT o.forgotten ORDER BY n.user_id"
)
# Users with a history in both stores, row by row in either direction. One of whom a store holds no
# interaction has nothing to contradict.
_HISTORIES = statement(
    "WITH known AS (SELECT n.user_ix AS ours, o.user_ix AS theirs, n.user_id FROM main.users n "
    "JOIN other.users o ON o.user_id = n.user_id WHERE NOT n.forgotten AND NOT o.forgotten "
    "AND EXISTS (SELECT 1 FROM main.interactions x WHERE x.user_ix = n.user_ix) "
    "AND EXISTS (SELECT 1 FROM other.interactions x WHERE x.user_ix = o.user_ix)), "
    "ours AS (SELECT k.user_id, x.position, i.item_id, x.timestamp, x.part FROM known k "
    "JOIN main.interactions x ON x.user_ix = k.ours JOIN main.items i ON i.item_ix = x.item_ix), "
    "theirs AS (SELECT k.user_id, x.position, i.item_id, x.timestamp, x.part FROM known k "
    "JOIN other.interactions x ON x.user_ix = k.theirs "
    "JOIN other.items i ON i.item_ix = x.item_ix) "
    "SELECT user_id FROM (SELECT * FROM ours EXCEPT SELECT * FROM theirs) UNION "
    "SELECT user_id FROM (SELECT * FROM theirs EXCEPT SELECT * FROM ours) ORDER BY user_id"
)


def conflicts(connection: Connection, ours: Path, theirs: Path) -> Iterator[str]:
    """Yield one sentence for each way in which the attached store contradicts the first.

    Parameters
    ----------
    connection
        A transaction on the first store with the other attached.
    ours, theirs
        How the two are called in the sentences.
    """
    first, second = facts(connection), facts(connection, other=True)
    for key, name in MUST_AGREE.items():
        if key in first and key in second and first[key] != second[key]:
            yield f"{name}: {_said(first[key])} in {ours}, {_said(second[key])} in {theirs}"
    for count, path in zip(connection.execute(_OUTSIDE).one(), (ours, theirs), strict=True):
        if count:
            yield f"the interactions of {path} lie in files outside the store"
    named = (
        (_ITEMS, "item", "another title or category"),
        (_SPLITS, "user", "another side of the split"),
        (_HISTORIES, "user", "another history"),
    )
    for query, kind, what in named:
        found = list(connection.execute(query).scalars())
        if found:
            some = ", ".join(repr(name) for name in found[:SHOWN])
            more = f" and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
            yield f"{kind} {some}{more}: {what} in {theirs} than in {ours}"


def _said(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(str(one) for one in value.values() if one) or "none"
    return repr(value)
