"""Interactions in Parquet files beside the store, each of whole users and named by its content.

A file is written once and never changed: what changes is which files the store names, so that a
transaction that is rolled back, or a program that is killed, leaves the store as it was and at most
files that nobody names. These are removed by the next command that writes.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from store.data.splits import NO_TIME, Part
from store.db.driver import driver_connection
from store.db.location import file_uri
from store.digests import PREFIX
from store.errors import StoreError
from store.files import whole_file
from store.tables.histories.columns import Columns

ROWS = 1_000_000
"""Rows of a file, about: what forgetting one person writes anew."""
GROUP = 65_536
"""Rows of a row group: what looking up one person reads."""
SUFFIX = ".interactions"
COMPRESSION = "zstd"

_PARTS = (
    "SELECT part, file, digest, first_user, end_user, rows, hidden FROM interaction_parts "
    "ORDER BY part"
)
_ADD = (
    "INSERT INTO interaction_parts (part, file, digest, first_user, end_user, rows, hidden) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_NAMES = ("user_ix", "position", "item_ix", "timestamp", "part")


class PartFile(NamedTuple):
    """A file of interactions as the store names it: users, rows, and the digest of the bytes."""

    part: int
    file: str
    digest: str
    first_user: int
    end_user: int
    rows: int
    hidden: int


def folder_of(store: Path) -> Path:
    """Where the files of a store lie: beside it, under the store's name and ``.interactions``."""
    return store.with_name(store.name + SUFFIX)


def part_files(connection: Connection) -> list[PartFile]:
    """The files that the store names; none where interactions lie in the table."""
    rows = driver_connection(connection).execute(_PARTS).fetchall()
    return [PartFile(*row) for row in rows]


class Files:
    """The files of one store.

    Parameters
    ----------
    folder
        Where they lie.
    parts
        Those that the store names.
    """

    def __init__(self, folder: Path, parts: Sequence[PartFile]) -> None:
        self.folder, self.parts = folder, parts

    def read(self, users: Sequence[int] | None = None) -> Columns:
        """All interactions, or those of some users.

        Raises
        ------
        StoreError
            If a file is missing, or is not what the store wrote.
        """
        if users is None:
            return Columns.joined([self._read(part) for part in self.parts])
        wanted = np.unique(np.asarray(users, dtype=np.int64))
        found = []
        for part in self.parts:
            own = wanted[(wanted >= part.first_user) & (wanted < part.end_user)]
            if len(own):
                found.append(self._read(part, own))
        return Columns.joined(found)

    def _read(self, part: PartFile, users: NDArray[np.int64] | None = None) -> Columns:
        """Rows of one file; of some users only the row groups that may hold them are read."""
        import polars as pl

        path = self.path_of(part)
        try:
            table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            if users is not None:
                some = pl.col("user_ix").is_between(int(users[0]), int(users[-1]))
                table = table.filter(some & pl.col("user_ix").is_in(users.astype(np.int32)))
            frame = table.select(_NAMES).collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self._damaged(path, str(error).splitlines()[0]) from error
        if users is None and frame.height != part.rows:
            raise self._damaged(path, f"it has {frame.height:,} rows, not {part.rows:,}")
        owners, positions, items = (frame[name].cast(pl.Int32).to_numpy() for name in _NAMES[:3])
        return Columns(
            owners,
            positions,
            items,
            frame["timestamp"].fill_null(NO_TIME).to_numpy(),
            frame["part"].cast(pl.Int8).to_numpy(),
        )

    def path_of(self, part: PartFile) -> Path:
        """Path of a file that is there.

        Raises
        ------
        StoreError
            If it is not there, saying where it is looked for.
        """
        path = self.folder / part.file
        if not path.is_file():
            raise StoreError(
                f"{path} is missing: the interactions of this store lie in {len(self.parts)} "
                f"Parquet files in the folder {self.folder.name}, which goes where the store goes "
                f"and is named after it. If the store was moved or renamed, move the folder to "
                f"{self.folder}; if it is lost, put back a copy with: profiler restore BACKUP"
            )
        return path

    def _damaged(self, path: Path, why: str) -> StoreError:
        return StoreError(
            f"{path} is damaged ({why}); put back a copy with: profiler restore BACKUP"
        )

    def faults(self) -> Iterator[str]:
        """One sentence for each file that is missing, or whose bytes are not those written."""
        for part in self.parts:
            try:
                path = self.path_of(part)
            except StoreError as error:
                yield str(error)
                continue
            if file_digest(path) != part.digest:
                yield f"{path} was changed after it was written"

    def remove_unnamed(self) -> int:
        """Remove files of ours that the store does not name; returns how many.

        Only while the store is locked for writing: whoever writes files holds that lock until
        they are named.
        """
        named = {part.file for part in self.parts}
        if not self.folder.is_dir():
            return 0
        removed = 0
        for path in self.folder.glob("part-*.parquet"):
            if path.name not in named:
                path.unlink()
                removed += 1
        if not named and not any(self.folder.iterdir()):
            self.folder.rmdir()
        return removed


def write_files(folder: Path, columns: Columns, first: int = 0) -> list[PartFile]:
    """Write interactions in files of about :data:`ROWS` rows; returns how the store names them.

    Parameters
    ----------
    folder
        Made where it is missing.
    columns
        What is written, in order.
    first
        Number of the first file.
    """
    folder.mkdir(exist_ok=True)
    written = []
    for number, rows in enumerate(_cut(columns.users), first):
        written.append(write_file(folder, columns.rows(rows), number))
    return written


def _cut(users: NDArray[np.int32]) -> Iterator[slice]:
    """Slices of whole users with about :data:`ROWS` rows each."""
    start = 0
    while start < len(users):
        last = users[min(start + ROWS, len(users)) - 1]
        stop = int(np.searchsorted(users, last, side="right"))
        yield slice(start, stop)
        start = stop


def write_file(
    folder: Path, columns: Columns, number: int, span: tuple[int, int] | None = None
) -> PartFile:
    """Write one file, named by its content, unless it is there already.

    Parameters
    ----------
    folder, columns, number
        Where, what, and the file's number.
    span
        First user and the one after the last; None takes those of the rows.
    """
    import polars as pl

    frame = pl.DataFrame(dict(zip(_NAMES, columns, strict=True))).with_columns(
        pl.when(pl.col("timestamp") != NO_TIME).then(pl.col("timestamp")).alias("timestamp")
    )
    first, end = span or (int(columns.users[0]), int(columns.users[-1]) + 1)
    content = hashlib.sha256(repr((first, end)).encode())
    for piece in columns.content():
        content.update(piece)
    path = folder / f"part-{number:05d}-{content.hexdigest()[:16]}.parquet"
    if not path.is_file():
        with whole_file(path) as partial:
            frame.write_parquet(partial, compression=_compression(), row_group_size=GROUP)
    hidden = int((columns.parts != Part.TRAIN).sum())
    return PartFile(number, path.name, file_digest(path), first, end, frame.height, hidden)


def _compression() -> Any:
    return COMPRESSION


def file_digest(path: Path) -> str:
    """Address of a file's bytes."""
    with path.open("rb") as stream:
        return PREFIX + hashlib.file_digest(stream, "sha256").hexdigest()


def files_named_in(store: Path) -> list[PartFile]:
    """The files that a closed store names; none where its version knows of none."""
    connection = sqlite3.connect(file_uri(store, "mode=ro"), uri=True)
    try:
        known = connection.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'interaction_parts'"
        ).fetchone()
        return [PartFile(*row) for row in connection.execute(_PARTS)] if known else []
    finally:
        connection.close()


def copy_files(parts: Sequence[PartFile], source: Path, target: Path) -> int:
    """Copy the files of one store to where another looks for them; returns their bytes.

    Raises
    ------
    StoreError
        If a file is missing, or is not what was written.
    """
    files = Files(source, parts)
    if parts:
        target.mkdir(exist_ok=True)
    size = 0
    for part in parts:
        path, copy = files.path_of(part), target / part.file
        if not copy.is_file() or file_digest(copy) != part.digest:
            with whole_file(copy) as partial:
                shutil.copyfile(path, partial)
                if file_digest(partial) != part.digest:
                    raise StoreError(f"{path} was changed after it was written; nothing was copied")
        size += copy.stat().st_size
    return size


def name_files(connection: Connection, parts: Sequence[PartFile]) -> None:
    """Let the store name exactly these files."""
    driver = driver_connection(connection)
    driver.execute("DELETE FROM interaction_parts")
    driver.executemany(_ADD, parts)
