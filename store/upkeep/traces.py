"""Search the bytes of the store's files for texts that should be gone."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from store.db.location import files_beside
from store.tables import texts

if TYPE_CHECKING:
    from store.store import Store

SHORTEST = 6
"""Bytes of the shortest text searched for; shorter ones occur in any file by chance."""

_WINDOW = 48
_STRIDE = 192
_MOST_PER_TEXT = 40


def collect_needles(
    connection: Connection, user_id: str, subjects: Sequence[int], users: Sequence[int] = ()
) -> list[str]:
    """Texts to search for once a user is removed: their id, and windows of the texts they caused.

    A stored text longer than a page is split in the file, so windows of it are searched for.
    """
    caused = texts.of_subjects(connection, subjects, users)
    needles = [user_id, *caused.pop("subjects.name", [])]
    for column in caused.values():
        for one in column:
            needles += _windows(one)
    return [n for n in dict.fromkeys(needles) if len(n.encode()) >= SHORTEST]


def _windows(found: str) -> Iterable[str]:
    if len(found) <= _WINDOW:
        return [found]
    starts = range(0, len(found) - _WINDOW + 1, _STRIDE)
    return [found[start : start + _WINDOW] for start in list(starts)[:_MOST_PER_TEXT]]


def find_traces(store: Store, needles: Sequence[str]) -> list[str]:
    """Return the needles that the store's files still hold and no stored row accounts for."""
    found = [n for n in needles if any(_holds(f, n.encode()) for f in _files(store.path))]
    with store.read() as connection:
        return [n for n in found if not texts.is_held(connection, n)]


def _files(path: Path) -> list[Path]:
    return [file for file in (path, *files_beside(path)) if file.exists() and file.stat().st_size]


def _holds(file: Path, needle: bytes) -> bool:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(needle) >= 0
