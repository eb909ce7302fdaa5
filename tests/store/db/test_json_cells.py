"""A damaged cell is one plain line that names table and row, never a fault of the program.

Once some of them ended a command with the code of an internal error, and ``verify`` saw none.
"""

from __future__ import annotations

import gc
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import cli
from store.db.json_cells import CELLS
from store.db.migrations import available
from tests.reading_store import fill

COMMANDS = (
    ("show", "customer-ada"),
    ("explain", "customer-ada", "--item", "pen"),
    ("search", "pen"),
    ("interests",),
    ("undo",),
    ("status",),
    ("exemplars",),
    ("forget", "customer-bob"),
)


def damage(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.create_function("seal", -1, lambda *_: "")
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'keep_%'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
        connection.commit()


CASES = [
    (one, value)
    for one in CELLS
    for value in ("{", "5", "null")
    if one.type != "any" or value == "{"
]


@pytest.mark.parametrize(("one", "value"), CASES, ids=lambda one: getattr(one, "table", str(one)))
def test_damaged_cells_are_named(one: Any, value: str, tmp_path: Path, capsys: Any) -> None:
    path = fill(tmp_path / "s.db")
    damage(path, f"UPDATE {one.table} SET {one.column} = '{value}'")
    for command in COMMANDS:
        code = cli.run(cli.profiler_app, "profiler", [*command, "--store", str(path)])
        gc.collect()  # a read that broke off holds its connection until then; forget waits for it
        said = capsys.readouterr().err
        assert code in (0, 2), (command, said)
        assert "internal error" not in said
    with closing(sqlite3.connect(path)) as connection:
        (rows,) = connection.execute(f"SELECT count(*) FROM {one.table}").fetchone()
    if rows:
        assert cli.run(cli.profiler_app, "profiler", ["verify", "--store", str(path)]) in (1, 2)
        said = capsys.readouterr()
        assert f"column {one.column} of {one.table}" in said.out + said.err or "meta" in one.table


def test_every_column_of_json_is_listed() -> None:
    listed = {(one.table, one.column) for one in CELLS}
    for _, text in available():
        for name, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", text, re.DOTALL):
            for line in body.splitlines():
                if "JSON" in line.partition("--")[2]:
                    assert (name, line.split()[0]) in listed
