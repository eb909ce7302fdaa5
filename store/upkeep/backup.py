"""Copy a store while it is in use, and put a copy back in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from store.db.faults import explained
from store.db.location import file_uri, files_beside
from store.db.migrate import refuse_newer
from store.db.opening import copy_database
from store.db.probe import examine
from store.errors import ForeignFileError, StoreError
from store.files import whole_file
from store.outputs import output_target
from store.tables.histories.outside import (
    Files,
    PartFile,
    copy_files,
    files_named_in,
    folder_of,
)

if TYPE_CHECKING:
    from store.store import Store


@dataclass(frozen=True)
class Restored:
    """What :func:`restore` did.

    Attributes
    ----------
    bytes
        Size of the store that is in place now.
    kept
        Where a damaged store that was there has been kept, if there was one.
    """

    bytes: int
    kept: Path | None = None


def back_up(store: Store, to: Path, *, overwrite: bool = False) -> int:
    """Write a consistent copy of the store to ``to``; return its size in bytes.

    Interactions in Parquet files are copied too, into a folder beside the copy. All is written
    aside and checked; the copy takes its name when it is whole and on disk.

    Parameters
    ----------
    store
        An open store; others may write to it meanwhile.
    to
        The file of the copy.
    overwrite
        Replace an earlier copy.

    Raises
    ------
    UserError
        If the file exists and ``overwrite`` is false, is the store itself or is in use, its folder
        does not exist, or the disk is full.
    """
    target = output_target(to, overwrite=overwrite, reads=[store.path], replaces_stores=True)
    if not target.stream:
        refuse_left_over(to)
    with whole_file(target) as partial:
        with explained(partial):
            raw = store.engine.raw_connection()
            try:
                raw.cursor().execute("VACUUM INTO ?", (file_uri(partial, "mode=rwc"),))
            finally:
                raw.close()
        check_copy(partial)
        parts = files_named_in(partial)
        if parts and target.stream:
            raise StoreError(
                f"{to} is a device or a pipe, and the interactions of this store lie in "
                f"{len(parts)} files beside it; name a file"
            )
        size = partial.stat().st_size
        size += copy_files(parts, folder_of(store.path), folder_of(target.path))
    _tidy(target.path, parts)
    return size


def restore(backup: Path, to: Path, *, overwrite: bool = False) -> Restored:
    """Put a copy of ``backup`` in the place of the store ``to``.

    The copy is made aside and checked. What is in the place of the store stays until then; its
    write-ahead log is emptied or removed first, since SQLite would take it for the new store's.

    Parameters
    ----------
    backup
        A store, such as :func:`back_up` writes; it is only read.
    to
        The store's file.
    overwrite
        Replace a store that is there. A damaged one is kept beside.

    Raises
    ------
    UserError
        If ``backup`` is no sound store, or ``to`` exists and ``overwrite`` is false, is another
        program's file, or is in use.
    """
    found = examine(backup)
    if found.kind != "store":
        raise StoreError(f"{backup} is {found.kind}, no store; name a file of profiler backup")
    refuse_newer(found.version, backup)
    target = output_target(to, overwrite=overwrite, reads=[backup], replaces_stores=True)
    if target.stream:
        raise StoreError(f"{to} is a device or a pipe; name a file")
    damaged = refuse_foreign(target.path)
    with whole_file(target) as partial:
        copy_database(backup, partial)
        check_copy(partial)
        parts = files_named_in(partial)
        size = partial.stat().st_size
        size += copy_files(parts, folder_of(backup), folder_of(target.path))
        kept = None
        if damaged:
            kept = _keep_damaged(target.path)
        else:
            _quiet(target.path)
    if kept is None:
        _tidy(target.path, parts)
    return Restored(size, kept)


def _tidy(path: Path, parts: Sequence[PartFile]) -> None:
    """Remove the files of interactions of the store that was in this place before."""
    Files(folder_of(path), parts).remove_unnamed()


def check_copy(copy: Path) -> None:
    """Check that a copy is whole, and leave it ready to be opened without a change.

    Raises
    ------
    StoreError
        That says what is wrong with it.
    """
    connection = sqlite3.connect(file_uri(copy, "mode=rw"), uri=True, isolation_level=None)
    try:
        with explained(copy):
            answers = connection.execute("PRAGMA integrity_check").fetchall()
            if answers != [("ok",)]:
                raise StoreError(f"the copy is not sound: {answers[0][0]}; nothing was written")
            connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    if examine(copy).kind != "store":
        raise StoreError("the copy is not a store; nothing was written")


def refuse_left_over(path: Path) -> None:
    """Refuse the name of a store that is in use, or whose program was killed.

    Raises
    ------
    StoreError
        Naming the file that lies beside it.
    """
    left = [file.name for file in files_beside(path) if file.exists()]
    if left:
        raise StoreError(
            f"beside {path} lies {left[0]}: a store of this name is in use, or its program was "
            "killed; choose another name"
        )


def refuse_foreign(path: Path) -> bool:
    """Refuse to replace what is no store; tell whether a store that is there is damaged.

    Raises
    ------
    StoreError
        If another program's file is there.
    """
    try:
        examine(path)
    except ForeignFileError as error:
        raise StoreError(f"{error}; move it away first") from error
    except StoreError:
        return True
    return False


def _quiet(path: Path) -> None:
    """Empty the log of the store at ``path`` into it, which works only if nobody uses it."""
    if not path.exists() or not path.stat().st_size:
        for file in files_beside(path):  # of a store that is gone
            file.unlink(missing_ok=True)
        return
    connection = sqlite3.connect(file_uri(path, "mode=rw"), uri=True, timeout=0.5)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError:
        mode = "in use"
    finally:
        connection.close()
    if mode != "delete":
        raise StoreError(f"another program uses {path}; close it and try again")


def _keep_damaged(path: Path) -> Path:
    """Give a damaged store another name beside, with its log."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.link(path, kept)
    for file, beside in zip(files_beside(path), files_beside(kept), strict=True):
        if file.exists():
            file.rename(beside)
    return kept
