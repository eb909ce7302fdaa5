"""What a command may write to: decided in one place, before the command starts to work.

What exists is replaced only where the user allowed it, or where a killed command left it before it
had named all of its files; a store, and what the command reads, never. Devices and pipes are
written to; links are followed. The file itself is written by :func:`store.files.whole_file`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from store.errors import UserError
from store.files import SQLITE_BESIDE, Target, descriptor_of, narrowest, reason_of, sync_folder
from store.unfinished import was_left_unfinished

SQLITE_HEADER = b"SQLite format 3\x00"


def output_target(
    path: str | Path,
    *,
    overwrite: bool = False,
    reads: Iterable[Path] = (),
    make_folder: bool = False,
    replaces_stores: bool = False,
) -> Target:
    """Check that a command may write to ``path``, before it starts to work.

    Parameters
    ----------
    path
        The file the user named.
    overwrite
        Whether the user allowed it to be replaced.
    reads
        Files that the command reads, such as the store: they are never replaced, nor are the files
        SQLite keeps beside them, and the output gets no wider permissions than they have.
    make_folder
        Make the folder of the file where it is missing.
    replaces_stores
        Whether, with ``overwrite``, a SQLite file may be replaced: only backups and restored stores
        are written over one.

    Raises
    ------
    UserError
        If the file exists and may not be replaced, is a folder, a disk or a socket, or its folder
        is missing.
    """
    named, sources = Path(path), list(reads)
    try:
        found = named.stat() if named.exists() else None
        if found is not None and _is_stream(named, found):
            return Target(named, overwrite=True, stream=True)
        real = named.resolve()
        _refuse_place(named, found)
        _refuse_sources(named, real, sources)
        if found is not None:
            overwrite = overwrite or was_left_unfinished(real)
            _refuse_existing(named, real, overwrite=overwrite, stores=replaces_stores)
        _refuse_sidecar(named, real)
        if make_folder:
            real.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError, RuntimeError) as error:  # no such name, a circle of links
        raise UserError(f"cannot write {str(path)[:200]!r}: {reason_of(error)}") from error
    if not real.parent.is_dir():
        raise UserError(f"no folder {named.parent}; make it first")
    mode, group = narrowest([*sources, real])
    return Target(real, overwrite=overwrite, mode=mode, group=group)


def output_targets(
    folder: Path, names: Iterable[str], *, overwrite: bool = False, reads: Iterable[Path] = ()
) -> list[Target]:
    """Check that a command may write the files ``names`` into ``folder``, made where it is missing.

    A folder that is made is open to nobody who may not read ``reads``.

    Raises
    ------
    UserError
        If the folder cannot be made or a file may not be written; nothing has been written then.
    """
    sources = list(reads)
    make_output_folder(folder, like=sources)
    return [output_target(folder / name, overwrite=overwrite, reads=sources) for name in names]


def make_output_folder(folder: Path, *, like: Iterable[Path] = ()) -> None:
    """Make a folder, and those above it, that is open to nobody who may not read ``like``.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    readable, _ = narrowest(like)
    mode = 0o777 if readable & 0o044 == 0o044 else 0o750 if readable & 0o040 else 0o700
    try:
        missing = not folder.exists()
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        if missing:
            sync_folder(folder.parent)
    except (OSError, ValueError) as error:
        raise UserError(
            f"cannot make the folder {str(folder)[:200]!r}: {reason_of(error)}"
        ) from error


def is_sqlite(path: Path) -> bool:
    """Whether a regular file begins as a SQLite database does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def _is_stream(path: Path, found: os.stat_result) -> bool:
    """Whether a file is written to as it comes: a terminal, a pipe, ``/dev/null``."""
    if stat.S_ISBLK(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        raise UserError(f"{path} is a disk or a socket; name a file")
    special = stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)
    return special or descriptor_of(path) is not None


def _refuse_place(path: Path, found: os.stat_result | None) -> None:
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise UserError(f"{path} is a folder; name a file in it, such as {path / 'output'}")


def _refuse_sources(named: Path, real: Path, sources: list[Path]) -> None:
    for source in sources:
        kept = source.resolve()
        protected = {kept, *(kept.with_name(kept.name + suffix) for suffix in SQLITE_BESIDE)}
        if real in protected or (real.exists() and kept.exists() and real.samefile(kept)):
            raise UserError(
                f"{named} is, or belongs to, {source}, which this command reads; name another file"
            )


def _refuse_existing(named: Path, real: Path, *, overwrite: bool, stores: bool) -> None:
    if not overwrite:
        raise UserError(
            f"{named} exists already; name another file, or allow it to be replaced (--overwrite)"
        )
    if not stores and is_sqlite(real):
        raise UserError(f"{named} is a SQLite database and is not replaced; name another file")


def _refuse_sidecar(named: Path, real: Path) -> None:
    """SQLite takes a file of such a name for a part of the database beside it."""
    for suffix in SQLITE_BESIDE:
        database = real.with_name(real.name.removesuffix(suffix))
        if real.name.endswith(suffix) and database.name and is_sqlite(database):
            raise UserError(
                f"{named} is a name that SQLite keeps for a part of {database.name}; "
                "name another file"
            )
