"""Look at a file that may be a store without changing a byte of it, or of its folder.

SQLite makes files beside a database it opens, and changes the database where it is told to keep a
write-ahead log. So nothing is opened for good before it is known to be a store of this program.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from store.db.location import file_uri, wal_of
from store.db.migrations import tables_of
from store.errors import ForeignFileError, StoreError
from store.outputs import SQLITE_HEADER

_OURS = {"meta", "runs", "subjects"}
_PAGE_SIZE, _PAGE_COUNT, _CHANGE, _VALID_FOR = (16, 18), (28, 32), (24, 28), (92, 96)
"""Places of the fields of SQLite's file header that tell how long the file is."""


@dataclass(frozen=True)
class Found:
    """What is at a path.

    Attributes
    ----------
    kind
        ``missing``; ``empty``, a file without content; ``blank``, a database without tables, as a
        build leaves it that was stopped at once; ``store``.
    version
        Number of the last migration of a store.
    """

    kind: Literal["missing", "empty", "blank", "store"]
    version: int = 0


def examine(path: Path) -> Found:
    """Say what is at ``path``, reading it only.

    Raises
    ------
    StoreError
        If it is no file, cannot be read, is the file of another program, or a store that is cut
        short or lacks a table.
    """
    size = _size(path)
    if size is None:
        return Found("missing")
    wal = wal_of(path)
    if size == 0 and not wal:
        return Found("empty")
    with path.open("rb") as file:
        header = file.read(100)
    if size and not header.startswith(SQLITE_HEADER):
        raise ForeignFileError(f"{path} cannot be opened as a store: it is not a SQLite database")
    if not wal and size < _length(header):
        raise StoreError(
            f"{path} is cut short: {size:,} of {_length(header):,} bytes are there; "
            f"put back a copy with: profiler restore BACKUP --store {path} --overwrite"
        )
    return _contents(path, wal)


def _size(path: Path) -> int | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise StoreError(f"no folder {path.parent}; make it first") from None
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{str(path)[:200]!r} cannot be opened: {error}") from error
    if stat.S_ISDIR(facts.st_mode):
        raise StoreError(f"{path} is a folder; --store takes a file such as {path / 'movies.db'}")
    if not stat.S_ISREG(facts.st_mode):
        raise StoreError(f"{path} is a device or a pipe; --store takes a file")
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path} cannot be read: you have no permission")
    return facts.st_size


def _length(header: bytes) -> int:
    """Bytes that a database has by its own header; 0 where the header does not tell."""

    def field(place: tuple[int, int]) -> int:
        return int.from_bytes(header[slice(*place)], "big")

    if len(header) < 100:
        return 100
    if field(_CHANGE) != field(_VALID_FOR):
        return 0
    page = field(_PAGE_SIZE)
    return field(_PAGE_COUNT) * (65_536 if page == 1 else page)


def _contents(path: Path, wal: Path | None) -> Found:
    """What a database holds; its log is looked at, in a copy, only where it alone is nothing."""
    try:
        version, names = _read_schema(path, wal)
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be opened as a store: {error}") from error
    if not names and version == 0:
        return Found("blank")
    if version <= 0 or not names >= _OURS:
        raise ForeignFileError(f"{path} is a SQLite file but not a store of this program")
    missing = sorted(tables_of(version) - names)
    if missing:
        raise StoreError(
            f"{path} is damaged: it lacks the table {missing[0]}; "
            f"put back a copy with: profiler restore BACKUP --store {path} --overwrite"
        )
    return Found("store", version)


def _read_schema(path: Path, wal: Path | None) -> tuple[int, set[str]]:
    """Version and names in the file itself, or else, where the file alone is nothing, with its log.

    A program that ended while it moved its log into the file leaves a file that is torn without it.
    """
    try:
        found = _schema(file_uri(path, "mode=ro&immutable=1"))
    except sqlite3.Error:
        if wal is None:
            raise
    else:
        if found[1] or wal is None:
            return found
    return _schema_with_log(path, wal)


def _schema(uri: str) -> tuple[int, set[str]]:
    """Version and names of what a database holds."""
    connection = sqlite3.connect(uri, uri=True)
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        return version, {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    finally:
        connection.close()


def _schema_with_log(path: Path, wal: Path) -> tuple[int, set[str]]:
    with tempfile.TemporaryDirectory(prefix="interest-profiler-") as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(path, copy)
        shutil.copyfile(wal, copy.with_name("copy.db-wal"))
        return _schema(file_uri(copy, "mode=rw"))
