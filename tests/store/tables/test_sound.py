"""What a damaged file says is refused before arrays are made of it.

Faults behind these tests: an ``item_ix`` out of range ended the process in a compiled kernel
(SIGSEGV); broken JSON and vectors of a wrong size were tracebacks.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

import cli
from store.errors import StoreError
from store.store import open_store
from store.upkeep.verify import verify
from tests.reading_store import fill

DAMAGE = [
    "UPDATE interactions SET item_ix = 1000000 WHERE position = 0",
    "UPDATE interactions SET item_ix = -1 WHERE position = 0",
    "UPDATE interactions SET user_ix = 999 WHERE user_ix = 0",
    "UPDATE interactions SET part = 9 WHERE position = 0",
    "DELETE FROM items WHERE item_ix = 0",
    "UPDATE items SET item_ix = 77 WHERE item_ix = 0",
    "UPDATE items SET categories = '[' WHERE item_ix = 0",
    "UPDATE items SET categories = '7' WHERE item_ix = 0",
    "UPDATE users SET user_ix = 55 WHERE user_ix = 0",
    "UPDATE evidence SET item_ix = 1000000 WHERE position = 0",
    "UPDATE subjects SET details = 'x'",
    "UPDATE memberships SET user_ix = 999 WHERE user_ix = 0",
    "UPDATE vectors SET vector = x'00'",
    "UPDATE vectors SET vector = x'0000' WHERE digest = (SELECT text_digest FROM interests)",
]


@pytest.mark.parametrize("statement", DAMAGE)
def test_damaged_rows_are_refused_in_plain_words(statement: str, tmp_path: Path) -> None:
    path = fill(tmp_path / "s.db")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    assert connection.execute(statement).rowcount
    connection.commit()
    connection.close()
    with open_store(path) as store:
        assert verify(store)[1]

        def read_all() -> None:
            store.datasets.load()
            store.subjects.load(active=False)
            store.interests.catalogue()
            store.interests.of_users("exemplar")
            store.vectors.interests()

        with pytest.raises(StoreError, match=r"damaged|have no text vector"):
            read_all()
    for command in ("status", "interests", "exemplars", "evaluate", "verify"):
        assert cli.run(cli.profiler_app, "profiler", [command, "--store", str(path)]) in (0, 1, 2)
