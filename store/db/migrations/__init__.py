"""Numbered migrations, ``NNNN_name.sql``; :mod:`store.db.migrate` applies them."""

from __future__ import annotations

import re
import sqlite3
from importlib.resources import files


def available() -> list[tuple[int, str]]:
    """All migrations as (number, SQL script), ascending."""
    scripts = [f for f in files(__name__).iterdir() if f.name.endswith(".sql")]
    return sorted((int(f.name[:4]), f.read_text("utf-8")) for f in scripts)


def statements(script: str) -> list[str]:
    """Split a script into statements; a trigger with semicolons inside stays whole."""
    found: list[str] = []
    buffer = ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            found.append(buffer)
            buffer = ""
    if any(line.strip() and not line.strip().startswith("--") for line in buffer.splitlines()):
        raise ValueError(f"migration ends in an unfinished statement: {buffer.strip()[:80]!r}")
    return found


def tables_of(number: int) -> set[str]:
    """Names of the tables that a store has after migration ``number``."""
    made = re.compile(r"^CREATE (?:VIRTUAL )?TABLE (\w+)", re.MULTILINE)
    return {name for n, script in available() if n <= number for name in made.findall(script)}
