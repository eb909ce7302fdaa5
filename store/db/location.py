"""Where a database lies: its address for SQLite, the files beside it, who may write them."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from store.files import SQLITE_BESIDE

_ADDRESS = "file://"


def file_uri(path: Path, options: str) -> str:
    """SQLite's address of a file; every character of the path stands for itself.

    With a plain path, what follows a ``?`` would be options and ``%20`` a space: another file.
    """
    return f"file:{quote(os.fsencode(path.absolute()))}?{options}"


def path_text(path: Path) -> str:
    """An absolute path as text that any file can hold; bytes that are no text are written as %XX.

    :func:`path_of` gives the path back.
    """
    text = str(path.resolve())
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"{_ADDRESS}{quote(os.fsencode(text))}"
    return text


def path_of(text: str) -> Path:
    """The path that :func:`path_text` wrote; any other text is a path as it stands."""
    if not text.startswith(_ADDRESS):
        return Path(text)
    return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(_ADDRESS))))


def files_beside(path: Path) -> list[Path]:
    """Files that SQLite keeps beside a database; they are beside the file a link points to."""
    real = path.resolve()
    return [real.with_name(real.name + suffix) for suffix in SQLITE_BESIDE]


def wal_of(path: Path) -> Path | None:
    """The write-ahead log of a database, where there is one with content."""
    wal = files_beside(path)[0]
    return wal if wal.exists() and wal.stat().st_size else None


def writable(path: Path) -> bool:
    """Whether this process may write a database: the file, its log and the log's index."""
    real = path.resolve()
    if not os.access(real, os.W_OK):
        return False
    in_folder = os.access(real.parent, os.W_OK | os.X_OK)
    wal, shm, _ = files_beside(path)
    return all(os.access(f, os.W_OK) if f.exists() else in_folder for f in (wal, shm))
