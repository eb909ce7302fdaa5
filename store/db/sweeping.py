"""Rewrite a store's file without what deleted rows left in it, now or when it was put off."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from store.errors import StoreError

PENDING = "sweep_pending"
"""Fact that is true from the moment a user's rows are deleted until the file has been swept."""


def sweep(engine: Engine, path: Path, *, patience_ms: int | None = None) -> None:
    """Rewrite the file without what deleted rows left in it, and empty its write-ahead log.

    Parameters
    ----------
    engine, path
        Of the store, outside of any transaction.
    patience_ms
        How long to wait for other programs; by default as long as for any write.

    Raises
    ------
    StoreError
        If another program is using the store, or the disk has no room for the rewritten file.
    """
    raw = engine.raw_connection()
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
        raise StoreError(f"{path} cannot be swept: {cause}") from error
    finally:
        raw.close()
    if busy:
        raise StoreError(
            f"another program is reading {path}, so its log cannot be emptied; close it and "
            f"run: profiler forget --store {path}"
        )
