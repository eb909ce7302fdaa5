"""Bringing a store to the newest version: each migration in one transaction, in order.

``PRAGMA user_version`` holds the number of the last one applied. A store of a later version than
this code knows is refused, never guessed at.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from store.db.engine import WRITE_OPTION
from store.db.migrations import available, statements
from store.errors import StoreError


def version(connection: Connection) -> int:
    """Number of the last migration applied to the store."""
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def refuse_newer(number: int, path: object) -> None:
    """Refuse a store of a later version than this program knows.

    Raises
    ------
    StoreError
        That names both versions.
    """
    newest = available()[-1][0]
    if number > newest:
        raise StoreError(
            f"{path} has schema version {number}, this program knows up to {newest}; "
            "install the newer version that wrote it"
        )


def migrate(engine: Engine, path: object) -> int:
    """Bring the store to the newest version; return the number of migrations applied.

    Raises
    ------
    StoreError
        If the store was written by a later version.
    """
    todo = available()
    with engine.connect() as connection:  # a writer at work does not keep a reader out
        if version(connection) == todo[-1][0]:
            return 0
    applied = 0
    for number, script in todo:
        with engine.connect() as raw:
            connection = raw.execution_options(**{WRITE_OPTION: True})
            # The version is read inside the write transaction: of two processes that open an old
            # store at once, the second waits and then finds nothing left to do.
            with connection.begin():
                current = version(connection)
                refuse_newer(current, path)
                if current >= number:
                    continue
                for statement in statements(script):
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql(f"PRAGMA user_version = {number}")
                applied += 1
    return applied
