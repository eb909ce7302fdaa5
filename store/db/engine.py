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
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from store.db.location import file_uri
from store.errors import StoreError

BUSY_TIMEOUT_MS = 30_000
WRITE_OPTION = "profiler_write"


def open_engine(path: Path, *, options: str = "mode=rw") -> Engine:
    """Open the SQLite file at ``path``, which exists and is a store or is to become one.

    Parameters
    ----------
    path
        The file.
    options
        SQLite's way to open it: ``mode=ro`` to read only, ``immutable=1`` without any lock.

    Raises
    ------
    StoreError
        If the file cannot be opened, or its file system cannot keep a write-ahead log (network file
        systems cannot).
    """
    uri = file_uri(path, options)
    to_write = options == "mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=30, check_same_thread=False)

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=QueuePool)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    try:
        mode = _journal_mode(engine, to_write=to_write)
    except sqlite3.Error as error:
        engine.dispose()
        raise StoreError(f"{path} cannot be opened as a store: {error}") from error
    if to_write and mode != "wal":
        engine.dispose()
        raise StoreError(
            f"{path} lies on a file system without write-ahead logging (journal mode {mode!r}); "
            "put the store on a local disk"
        )
    return engine


def _journal_mode(engine: Engine, *, to_write: bool) -> str:
    """The journal mode of a file, the write-ahead log where it is to be written."""
    opened = engine.raw_connection()
    try:
        cursor = opened.cursor()
        mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        if to_write and mode != "wal":
            mode = cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        return str(mode)
    finally:
        opened.close()


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
