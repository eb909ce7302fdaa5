"""Transactions of one store file, and the facts it keeps about itself.

The repositories of :mod:`store.tables` are built on this alone; :class:`store.store.Store` puts
them together.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from store.db.engine import WRITE_OPTION
from store.digests import canonical_json


def now() -> str:
    """Time of a row, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Transactions:
    """Read and write transactions on one SQLite file, for any number of threads.

    Attributes
    ----------
    path
        The file, for messages.
    engine
        Its connections.
    """

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self.engine = engine
        self._write_lock = threading.RLock()
        self._local = threading.local()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read transaction: a snapshot that a writer at work does not disturb."""
        open_write: Connection | None = getattr(self._local, "connection", None)
        if open_write is not None:  # inside write(): see its own rows
            yield open_write
            return
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One write transaction, committed on leaving, rolled back on any exception.

        A ``write`` inside a ``write`` of the same thread joins the outer transaction.
        """
        open_write: Connection | None = getattr(self._local, "connection", None)
        if open_write is not None:
            yield open_write
            return
        with self._write_lock, self.engine.connect() as opened:
            connection = opened.execution_options(**{WRITE_OPTION: True})
            with connection.begin():
                self._local.connection = connection
                try:
                    yield connection
                finally:
                    self._local.connection = None

    def meta(self, key: str, default: Any = None) -> Any:
        """Value of one fact about the store, or ``default``."""
        with self.read() as connection:
            value = connection.execute(
                text("SELECT value FROM meta WHERE key = :key"), {"key": key}
            ).scalar()
        return default if value is None else json.loads(value)

    def set_meta(self, **facts: Any) -> None:
        """Record facts about the store, replacing what was recorded under the same keys."""
        with self.write() as connection:
            connection.execute(
                text(
                    "INSERT INTO meta (key, value) VALUES (:key, :value) "
                    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                ),
                [{"key": key, "value": canonical_json(value)} for key, value in facts.items()],
            )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
