"""The SQLite engine: one file, write-ahead log, every commit on disk before it is acknowledged.

``synchronous=FULL`` costs one fsync a commit and is what makes a paid answer survive a power cut
(with NORMAL the last commits may roll back). Writers start with BEGIN IMMEDIATE, so that two of
them queue on the busy timeout instead of failing when a read turns into a write.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from store.errors import StoreError

BUSY_TIMEOUT_MS = 30_000
WRITE_OPTION = "profiler_write"


def open_engine(path: Path) -> Engine:
    """Open (or create) the SQLite file at ``path``.

    Raises
    ------
    StoreError
        If the file is not a SQLite database, cannot be opened, or its file system cannot keep a
        write-ahead log (network file systems cannot).
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder; --store takes a file such as {path / 'movies.db'}")
    if not path.parent.is_dir():
        raise StoreError(f"no folder {path.parent}; make it first")
    engine = create_engine(f"sqlite+pysqlite:///{path}", connect_args={"timeout": 30})
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    try:
        with engine.connect() as connection:
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    except DatabaseError as error:
        raise StoreError(f"{path} cannot be opened as a store: {error.orig}") from error
    if mode != "wal":
        raise StoreError(
            f"{path} lies on a file system without write-ahead logging (journal mode {mode!r}); "
            "put the store on a local disk"
        )
    return engine


def in_use(error: BaseException) -> bool:
    """Whether a write met another program's that lasted longer than the busy timeout."""
    cause = error.orig if isinstance(error, OperationalError) else error
    return (
        isinstance(cause, sqlite3.OperationalError)
        and getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    )


def seal(*values: Any) -> str:
    """Digest of a row's payload, as the triggers of migration 2 take it."""
    content = hashlib.blake2b(digest_size=16)
    for value in values:
        data = value if isinstance(value, bytes) else repr(value).encode()
        content.update(len(data).to_bytes(8, "big"))
        content.update(data)
    return content.hexdigest()


def _set_pragmas(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.create_function("seal", -1, seal, deterministic=True)
    # The driver must not open transactions by itself: _begin decides which kind.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "temp_store = MEMORY",
        "cache_size = -65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
