"""Search the bytes of the store's files for texts that should be gone."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, text

if TYPE_CHECKING:
    from store.store import Store

SHORTEST = 6
"""Bytes of the shortest text searched for; shorter ones occur in any file by chance."""

_WINDOW = 48
_STRIDE = 192
_MOST_PER_TEXT = 40

_NAMES = text("SELECT name FROM subjects WHERE subject_id IN :ids").bindparams(
    bindparam("ids", expanding=True)
)
_TEXTS = text(
    "SELECT r.raw_text FROM responses r WHERE r.subject_id IN :ids UNION "
    "SELECT p.messages FROM responses r JOIN prompts p ON p.digest = r.prompt_digest "
    "WHERE r.subject_id IN :ids UNION "
    "SELECT p.messages FROM questions q JOIN prompts p ON p.digest = q.prompt_digest "
    "WHERE q.subject_id IN :ids UNION "
    "SELECT n.label FROM interests n WHERE n.subject_id IN :ids UNION "
    "SELECT n.description FROM interests n WHERE n.subject_id IN :ids"
).bindparams(bindparam("ids", expanding=True))

# Where the same text may rightly be: other users, items, other subjects and their answers.
_RIGHTFUL = text(
    "SELECT EXISTS (SELECT 1 FROM users WHERE instr(user_id, :t)) "
    "OR EXISTS (SELECT 1 FROM items WHERE instr(item_id, :t) OR instr(title, :t) "
    "OR instr(categories, :t) OR instr(extra, :t)) "
    "OR EXISTS (SELECT 1 FROM subjects WHERE instr(name, :t)) "
    "OR EXISTS (SELECT 1 FROM interests WHERE instr(label, :t) OR instr(description, :t)) "
    "OR EXISTS (SELECT 1 FROM prompts WHERE instr(messages, :t)) "
    "OR EXISTS (SELECT 1 FROM responses WHERE instr(raw_text, :t))"
)


def collect_needles(connection: Connection, user_id: str, subjects: Sequence[int]) -> list[str]:
    """Texts to search for once a user is removed: its id, and windows of what it caused.

    A stored text longer than a page is split in the file, so windows of it are searched for.
    """
    values = {"ids": list(subjects)}
    needles = [user_id, *connection.execute(_NAMES, values).scalars()]
    for found in connection.execute(_TEXTS, values).scalars():
        needles += _windows(found)
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
        return [n for n in found if not connection.execute(_RIGHTFUL, {"t": n}).scalar_one()]


def _files(path: Path) -> list[Path]:
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    return [file for file in beside if file.exists() and file.stat().st_size]


def _holds(file: Path, needle: bytes) -> bool:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(needle) >= 0
