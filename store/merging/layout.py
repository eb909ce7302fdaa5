"""Tables of a store as its migrations make them: columns, keys, and which rows point to which."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cache

from store.db.engine import seal
from store.db.migrations import available, statements

_TABLES = (
    "SELECT name FROM sqlite_schema WHERE type = 'table' "
    "AND name NOT LIKE 'interests_fts%' AND name NOT LIKE 'sqlite_%' ORDER BY name"
)
_COLUMNS = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid"
_REFERENCES = 'SELECT "from", "table", "to", id FROM pragma_foreign_key_list(?)'


@dataclass(frozen=True)
class Layout:
    """One table.

    Attributes
    ----------
    name, columns
        As in the schema.
    number
        The column that numbers the rows of this table; None where rows are told otherwise.
    refers
        Table that a column's number belongs to, by column.
    """

    name: str
    columns: tuple[str, ...]
    number: str | None
    refers: dict[str, str]


@cache
def layouts() -> dict[str, Layout]:
    """Every table of the newest version, by name; from the migrations, not from any file."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.create_function("seal", -1, seal, deterministic=True)
        for _, script in available():
            for statement in statements(script):
                connection.execute(statement)
        names = [row[0] for row in connection.execute(_TABLES)]
        return {name: _layout(connection, name) for name in names}
    finally:
        connection.close()


def _layout(connection: sqlite3.Connection, name: str) -> Layout:
    columns = connection.execute(_COLUMNS, (name,)).fetchall()
    refers = {
        column: table
        for column, table, _, _ in connection.execute(_REFERENCES, (name,))
        if column.endswith(("_id", "_ix"))
    }
    keys = [(column, kind) for column, kind, place in columns if place]
    number = None
    if len(keys) == 1 and keys[0][1] == "INTEGER" and keys[0][0] not in refers:
        number = keys[0][0]
    return Layout(name, tuple(column[0] for column in columns), number, refers)
