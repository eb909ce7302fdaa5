"""Compare a store's tables, indexes, triggers and views with those its migrations make."""

from __future__ import annotations

import re
import sqlite3

from sqlalchemy import Connection

from store.db.engine import seal
from store.db.migrations import available, statements

_QUERY = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"

Schema = dict[tuple[str, str], tuple[str, str]]


def schema_faults(connection: Connection) -> list[str]:
    """One sentence for each table, index, trigger or view that is missing, added or changed."""
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    wanted = expected_schema(version)
    found = _schema(connection.exec_driver_sql(_QUERY).all())
    faults = [f"{kind} {name} is missing" for kind, name in wanted.keys() - found.keys()]
    faults += [
        f"{kind} {name} is not one of this program's" for kind, name in found.keys() - wanted.keys()
    ]
    faults += [
        f"{kind} {name} was changed"
        for kind, name in wanted.keys() & found.keys()
        if wanted[kind, name] != found[kind, name]
    ]
    return sorted(faults)


def expected_schema(version: int) -> Schema:
    """What the migrations up to ``version`` make of an empty database, by type and name."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.create_function("seal", -1, seal, deterministic=True)
        for number, script in available():
            if number <= version:
                for statement in statements(script):
                    connection.execute(statement)
        return _schema(connection.execute(_QUERY).fetchall())
    finally:
        connection.close()


def _schema(rows: object) -> Schema:
    return {
        (kind, name): (table, _plain(sql or ""))
        for kind, name, table, sql in rows  # type: ignore[attr-defined]
    }


def _plain(sql: str) -> str:
    """A statement without comments and line breaks, which releases may put another way."""
    return " ".join(re.sub(r"--[^\n]*", " ", sql).split())
