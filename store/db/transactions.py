"""Transactions of one store file, and the facts it keeps about itself.

The repositories of :mod:`store.tables` are built on this alone; :class:`store.store.Store` puts
them together.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from store.db.engine import WRITE_OPTION
from store.db.faults import explained
from store.db.opening import Opened
from store.db.sweeping import PENDING, sweep
from store.digests import canonical_json
from store.errors import StoreError, StoreWarning

__all__ = ["Transactions"]

STORE_PATH = "store_path"
"""Option of a connection: the store that it reads, beside which other files may lie."""


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
    read_only
        Why the store is not written, as a sentence; empty where it may be written.
    """

    def __init__(self, path: Path, opened: Opened) -> None:
        self.path = path
        self.engine = opened.engine
        self.read_only = opened.read_only
        self._opened = opened
        self._looked = False
        self._write_lock = threading.RLock()
        self._local = threading.local()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read transaction: a snapshot that a writer at work does not disturb."""
        open_one: Connection | None = getattr(self._local, "connection", None) or getattr(
            self._local, "snapshot", None
        )
        if open_one is not None:  # inside write(): see its own rows; inside snapshot(): its moment
            yield open_one
            return
        with explained(self.path), self.engine.connect() as opened:
            connection = opened.execution_options(**{STORE_PATH: str(self.path)})
            with connection.begin():
                yield connection
            self._opened.check()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One moment of the store for everything that this thread reads inside; nothing is written.

        Raises
        ------
        StoreError
            From :meth:`write` inside it.
        """
        with self.read() as connection:
            self._local.snapshot = connection
            try:
                yield connection
            finally:
                self._local.snapshot = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One write transaction, committed on leaving, rolled back on any exception.

        A ``write`` inside a ``write`` of the same thread joins the outer transaction.
        """
        open_write: Connection | None = getattr(self._local, "connection", None)
        if open_write is not None:
            yield open_write
            return
        if getattr(self._local, "snapshot", None) is not None:
            raise StoreError("nothing can be stored while one moment of the store is read")
        if self.read_only:
            raise StoreError(f"nothing can be stored: {self.read_only}")
        self._sweep_what_was_left()
        with explained(self.path), self._write_lock, self.engine.connect() as opened:
            connection = opened.execution_options(
                **{WRITE_OPTION: True, STORE_PATH: str(self.path)}
            )
            with connection.begin():
                self._local.connection = connection
                try:
                    yield connection
                finally:
                    self._local.connection = None

    def _sweep_what_was_left(self) -> None:
        """Before the first write, do what a ``forget`` that was killed had left to do."""
        with self._write_lock:
            if self._looked:
                return
            self._looked = True
            if not self.meta(PENDING):
                return
            try:
                self._remove_left_over()
                sweep(self.engine, self.path, patience_ms=1_000)
                self.drop_meta(PENDING)
            except StoreError as error:
                warnings.warn(
                    f"texts of a forgotten user wait to be swept: {error}",
                    StoreWarning,
                    stacklevel=4,
                )

    def _remove_left_over(self) -> None:
        """Remove files beside the store that a killed command left; there are none here."""

    def meta(self, key: str, default: Any = None) -> Any:
        """Value of one fact about the store, or ``default``.

        Raises
        ------
        StoreError
            If what is stored is no JSON.
        """
        with self.read() as connection:
            value = connection.execute(
                text("SELECT value FROM meta WHERE key = :key"), {"key": key}
            ).scalar()
        try:
            return default if value is None else json.loads(value)
        except ValueError as error:
            raise StoreError(
                f"{self.path} is damaged: fact {key!r} is no JSON ({error})"
            ) from error

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

    def drop_meta(self, key: str) -> None:
        """Remove one fact about the store."""
        with self.write() as connection:
            connection.execute(text("DELETE FROM meta WHERE key = :key"), {"key": key})

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._opened.release()
