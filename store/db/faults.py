"""What SQLite's own errors mean for somebody who runs a command: one sentence and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from store.errors import StoreError

_RESTORE = "put back a copy with: profiler restore BACKUP --store {path} --overwrite"
_REASONS = {
    sqlite3.SQLITE_FULL: "{path} cannot be written: the disk is full; what was stored before stays",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written: {error} (a full or faulty disk?); "
    "what was stored before stays",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: {error}",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: {error}",
    sqlite3.SQLITE_NOMEM: "{path} needs more memory than there is",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged ({error}); " + _RESTORE,
    sqlite3.SQLITE_NOTADB: "{path} is damaged ({error}); " + _RESTORE,
    sqlite3.SQLITE_PROTOCOL: "{path} cannot be locked: {error}; put the store on a local disk",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of disk, memory and damaged files into a :class:`StoreError`; others pass.

    That another program is writing passes, too: whoever can wait tries again.
    """
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code not in _REASONS:
            raise
        raise StoreError(_REASONS[code].format(path=path, error=cause)) from error
