"""Opening a store: to work on it, or only to read it where it cannot or must not be written.

Nothing is changed, and nothing created, before :mod:`store.db.probe` has said what is there.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from store.db.engine import open_engine
from store.db.faults import explained
from store.db.location import file_uri, files_beside, wal_of, writable
from store.db.migrate import migrate, refuse_newer
from store.db.migrations import available
from store.db.probe import examine
from store.errors import StoreError, UserError
from store.files import Target, whole_file


@dataclass(frozen=True)
class Opened:
    """A database that is open.

    Attributes
    ----------
    engine
        Its connections.
    read_only
        Why it is not written, as a sentence; empty where it may be written.
    check
        Called after each reading: raises where the file has changed under a reader without locks.
    release
        Called when all connections are closed.
    """

    engine: Engine
    read_only: str = ""
    check: Callable[[], None] = lambda: None
    release: Callable[[], None] = lambda: None


def open_database(path: Path, *, create: bool = False, read_only: bool = False) -> Opened:
    """Open the store at ``path`` in its newest version.

    Parameters
    ----------
    path
        The SQLite file.
    create
        Make a store where there is none.
    read_only
        Leave the file and its folder as they are, also where they may be written.

    Raises
    ------
    StoreError
        If there is no store, or it cannot be opened.
    """
    found = examine(path)
    refuse_newer(found.version, path)
    if found.kind != "store":
        if not create:
            raise StoreError(_nothing_there(path, found.kind))
        if found.kind == "missing":
            _create(path)
    elif read_only:
        return _to_read(path, found.version, f"{path} is only read")
    elif not writable(path):
        why = f"{path} cannot be written (read-only media, or not yours to write); it is only read"
        return _to_read(path, found.version, why)
    engine = open_engine(path)
    migrate(engine, path)
    return Opened(engine)


def _nothing_there(path: Path, kind: str) -> str:
    make = f"make one with: profiler build DATA --store {path}"
    if kind == "missing":
        return f"no store at {path}; {make}"
    return f"{path} is empty and no store; {make}"


def _create(path: Path) -> None:
    """Make an empty store: beside its place first, so that there is a whole one or none."""
    try:
        with whole_file(Target(path.resolve())) as partial:
            engine = open_engine(partial)
            try:
                migrate(engine, partial)
            finally:
                engine.dispose()
    except UserError:
        if not path.exists():  # else another build made it meanwhile
            raise


def _to_read(path: Path, version: int, why: str) -> Opened:
    """Open without writing: in place where nothing has to be brought up to date, else a copy."""
    if version == available()[-1][0]:
        if wal_of(path) is None:
            engine = open_engine(path, options="mode=ro&immutable=1")
            return Opened(engine, why, _Unchanged(path))
        if files_beside(path)[1].exists():
            return Opened(open_engine(path, options="mode=ro"), why)
    folder = tempfile.TemporaryDirectory(prefix="interest-profiler-")
    try:
        copy = Path(folder.name) / "copy.db"
        copy_database(path, copy)
        engine = open_engine(copy)
        migrate(engine, path)
    except BaseException:
        folder.cleanup()
        raise
    return Opened(engine, why, release=folder.cleanup)


def copy_database(path: Path, copy: Path) -> None:
    """Copy a database to an empty file as one moment saw it, without a change to it or its folder.

    Raises
    ------
    StoreError
        If it cannot be read, or the copy not be written.
    """
    wal = wal_of(path)
    live = wal is not None and files_beside(path)[1].exists()
    if wal is not None and not live:  # its program is gone: the log is as it was left
        shutil.copyfile(path, copy)
        shutil.copyfile(wal, copy.with_name(f"{copy.name}-wal"))
        _take_in_log(copy)
        return
    options = "mode=ro" if live else "mode=ro&immutable=1"
    source, target = sqlite3.connect(file_uri(path, options), uri=True), sqlite3.connect(copy)
    try:
        with explained(path):
            source.backup(target)
    finally:
        source.close()
        target.close()


def _take_in_log(copy: Path) -> None:
    connection = sqlite3.connect(file_uri(copy, "mode=rw"), uri=True)
    try:
        with explained(copy):
            connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()


class _Unchanged:
    """Tells a reader without locks that somebody wrote to the file meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path, self.state = path, self._state(path)

    def __call__(self) -> None:
        if self._state(self.path) != self.state:
            raise StoreError(f"{self.path} was changed while it was read; run the command again")

    @staticmethod
    def _state(path: Path) -> tuple[int, int, int, bool] | None:
        with suppress(OSError):
            facts = path.stat()
            return facts.st_ino, facts.st_size, facts.st_mtime_ns, wal_of(path) is not None
        return None
