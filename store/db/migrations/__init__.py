"""Numbered migrations: ``NNNN_name.sql``, each applied in one transaction, in order.

``PRAGMA user_version`` holds the number of the last one applied. A store of a later version than
this code knows is refused, never guessed at.
"""

from __future__ import annotations

import sqlite3
from importlib.resources import files

from sqlalchemy import Connection, Engine

from store.db.engine import WRITE_OPTION
from store.errors import StoreError


def available() -> list[tuple[int, str]]:
    """All migrations as (number, SQL script), ascending."""
    scripts = [f for f in files(__name__).iterdir() if f.name.endswith(".sql")]
    return sorted((int(f.name[:4]), f.read_text("utf-8")) for f in scripts)


def statements(script: str) -> list[str]:
    """Split a script into statements; a trigger with semicolons inside stays whole."""
    found: list[str] = []
    buffer = ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            found.append(buffer)
            buffer = ""
    if any(line.strip() and not line.strip().startswith("--") for line in buffer.splitlines()):
        raise ValueError(f"migration ends in an unfinished statement: {buffer.strip()[:80]!r}")
    return found


def version(connection: Connection) -> int:
    """Number of the last migration applied to the store."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def migrate(engine: Engine, path: object) -> int:
    """Bring the store to the newest version; return the number of migrations applied.

    Raises
    ------
    StoreError
        If the store was written by a later version.
    """
    todo = available()
    applied = 0
    for number, script in todo:
        with engine.connect() as raw:
            connection = raw.execution_options(**{WRITE_OPTION: True})
            # The version is read inside the write transaction: of two processes that open an old
            # store at once, the second waits and then finds nothing left to do.
            with connection.begin():
                current = version(connection)
                if current > todo[-1][0]:
                    raise StoreError(
                        f"{path} has schema version {current}, this program knows up to "
                        f"{todo[-1][0]}; install the newer version that wrote it"
                    )
                if current >= number:
                    continue
                for statement in statements(script):
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql(f"PRAGMA user_version = {number}")
                applied += 1
    return applied
