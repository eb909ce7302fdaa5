"""Rewrite a store's file without what deleted rows left in it, now or when it was put off."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from store.errors import StoreError

if TYPE_CHECKING:
    from store.db.transactions import Transactions

PENDING = "sweep_pending"
"""Fact that is true from the moment a user's rows are deleted until the file has been swept."""


def sweep(store: Transactions, *, patience_ms: int | None = None) -> None:
    """Rewrite the file without what deleted rows left in it, and empty its write-ahead log.

    Parameters
    ----------
    store
        An open store, outside of any transaction.
    patience_ms
        How long to wait for other programs; by default as long as for any write.

    Raises
    ------
    StoreError
        If another program is using the store, or the disk has no room for the rewritten file.
    """
    raw = store.engine.raw_connection()
    try:
        cursor = raw.cursor()
        usual = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {usual if patience_ms is None else patience_ms:d}")
        try:
            cursor.execute("VACUUM")
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual:d}")
    except (sqlite3.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"{store.path} cannot be swept: {cause}") from error
    finally:
        raw.close()
    if busy:
        raise StoreError(
            f"another program is reading {store.path}, so its log cannot be emptied; close it and "
            f"run: profiler forget --store {store.path}"
        )


def swept(store: Transactions) -> None:
    """Record that nothing is left to sweep."""
    if store.meta(PENDING):
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM meta WHERE key = ?", (PENDING,))
