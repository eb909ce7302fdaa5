"""Interactions in the store's own table."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from store.data.splits import NO_TIME
from store.db.driver import driver_connection
from store.tables.histories.columns import Columns

Tell = Callable[[str, int, int], None]

_AT_ONCE = 200_000
"""Rows that are fetched or written at once: few enough to take no memory to speak of."""

_COLUMNS = "SELECT user_ix, position, item_ix, coalesce(timestamp, ?), part FROM interactions "
_OF_USERS = "WHERE user_ix IN (SELECT value FROM json_each(?)) "
_ORDER = "ORDER BY user_ix, position"
_ADD = (
    "INSERT INTO interactions (user_ix, position, item_ix, timestamp, part) VALUES (?, ?, ?, ?, ?)"
)


def read_table(connection: Connection, users: Sequence[int] | None = None) -> Columns:
    """All interactions of the table, or those of some users.

    Numbers that a damaged file has beyond 32 bits come out as -1, which is no user and no item.
    """
    driver = driver_connection(connection)
    if users is None:
        found = driver.execute(_COLUMNS + _ORDER, (NO_TIME,))
    else:
        wanted = json.dumps([int(user) for user in users])
        found = driver.execute(_COLUMNS + _OF_USERS + _ORDER, (NO_TIME, wanted))
    pieces = []
    while rows := found.fetchmany(_AT_ONCE):
        table = np.array(rows, dtype=np.int64)
        owners, positions, items = (_narrow(table[:, column]) for column in range(3))
        parts = np.clip(table[:, 4], -1, 127).astype(np.int8)
        pieces.append(Columns(owners, positions, items, table[:, 3].copy(), parts))
    return Columns.joined(pieces)


def _narrow(column: NDArray[np.int64]) -> NDArray[np.int32]:
    known = (column >= 0) & (column <= np.iinfo(np.int32).max)
    return np.where(known, column, -1).astype(np.int32)


def write_table(connection: Connection, columns: Columns, tell: Tell | None = None) -> None:
    """Add interactions to the table; in the order of its key SQLite only appends."""
    driver = driver_connection(connection)
    for start in range(0, len(columns.users), _AT_ONCE):
        if tell is not None:
            tell("saving interactions", start, len(columns.users))
        users, positions, items, times, parts = (
            column[start : start + _AT_ONCE].tolist() for column in columns
        )
        known = (None if time == NO_TIME else time for time in times)
        driver.executemany(_ADD, zip(users, positions, items, known, parts, strict=True))
    if tell is not None and len(columns.users):
        tell("saving interactions", len(columns.users), len(columns.users))


def count_table(connection: Connection) -> tuple[int, int]:
    """Rows of the table, and those of them that training may not see."""
    query = "SELECT count(*), coalesce(sum(part > 0), 0) FROM interactions"
    rows, hidden = driver_connection(connection).execute(query).fetchone()
    return int(rows), int(hidden)


def remove_from_table(connection: Connection, user_ix: int) -> None:
    """Remove the interactions of one user."""
    driver_connection(connection).execute("DELETE FROM interactions WHERE user_ix = ?", (user_ix,))


def empty_table(connection: Connection) -> None:
    """Remove all interactions."""
    driver_connection(connection).execute("DELETE FROM interactions")
