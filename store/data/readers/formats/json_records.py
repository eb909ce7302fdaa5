"""JSON lines, a JSON list, or lines that are Python literals → objects with their numbers.

Literals are read with ``ast.literal_eval``, which builds values and runs nothing.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.text.encoding import decode_start, to_utf8
from store.data.readers.text.files import head, load, shown_name
from store.data.readers.values.ids import UNUSABLE, id_text
from store.data.readers.values.texts import has_half_sign, whole_signs

Record = tuple[int, dict[str, object]]

_FAULTS = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)
_SEEN = 1000
INFINITY = float("inf")


def read_records(path: Path, options: ReadOptions, problems: Problems) -> list[Record]:
    """Return each line's number and object; lines that are neither JSON nor a literal are named.

    Raises
    ------
    UnusableFileError
        The file is empty, not what its name says, or no line can be read.
    """
    name = shown_name(path)
    data = load(path, problems, options.max_bytes)
    text = to_utf8(data, name, problems, encoding=options.encoding).decode()
    records = list(_records(text, name, problems))
    if not records:
        raise problems.fatal(Kind.EMPTY, name, "no line could be read")
    return records


def _records(text: str, file: str, problems: Problems) -> Iterator[Record]:
    whole = _whole_file(text)
    parts = enumerate(text.split("\n") if whole is None else whole, start=1)
    for number, part in parts:
        if isinstance(part, str) and whole is None:
            if not part.strip():
                continue
            record = parse_line(part)
        else:
            record = part if isinstance(part, dict) else None
        if record is not None:
            yield number, record
            continue
        shown = whole_signs(str(part)[:80])
        said = f"neither a JSON object nor a Python literal: {shown!r}"
        problems.add(Kind.ROW, file, said, row=number, value=shown)


def _whole_file(text: str) -> list[Any] | None:
    """Elements of a list that is the whole file, or the one list of objects in its one object."""
    start = text.lstrip()
    if not start.startswith("[") and not re.match(r"\{\s*\n", start):
        return None
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list) and value]
        return lists[0] if len(lists) == 1 and isinstance(lists[0][0], dict) else [found]
    return found if isinstance(found, list) else None


def _no_number(_constant: str) -> None:
    """NaN and Infinity are no values: JSON does not have them, and they mean that none is there."""


def parse_line(line: str) -> dict[str, object] | None:
    """Read one object, written as JSON or as a Python literal; None where it is neither."""
    try:
        value = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(line.strip())
        except _FAULTS:
            return None
    return value if isinstance(value, dict) else None


def first_record(path: Path) -> dict[str, object] | None:
    """First object of a file, None where it is none or too long; never raises."""
    text = decode_start(head(path, 1 << 20)).lstrip()
    line = text.partition("\n")[0]
    if not text.startswith(("[", "{\n", "{\r")):
        return parse_line(line)
    try:
        found, _ = json.JSONDecoder().raw_decode(text, max(text.find("{"), 0))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def names_in(records: Sequence[Record]) -> list[str]:
    """Names of fields, in the order in which they first come, in the first thousand objects."""
    names: dict[str, None] = {}
    for _, record in records[:_SEEN]:
        names.update(dict.fromkeys(name for name in record if isinstance(name, str)))
    return list(names)


def has(records: Sequence[Record], name: str) -> bool:
    """Whether any object has a field."""
    return any(name in record for _, record in records)


def ids_of(
    records: Sequence[Record], name: str, file: str, problems: Problems
) -> tuple[list[str | None], list[bool]]:
    """Texts of an id field, and which objects have something there that is no id."""
    texts: list[str | None] = []
    bad: list[bool] = []
    for number, record in records:
        text = id_text(record.get(name))
        fault = None
        if text is UNUSABLE:
            fault = "what is here is no id; give text or a number"
        elif isinstance(text, str) and has_half_sign(text):
            fault = "the id holds half of a sign outside of the basic plane"
        if fault is not None:
            shown = whole_signs(str(record.get(name))[:80])
            problems.add(Kind.ID, file, fault, row=number, column=name, value=shown)
        bad.append(fault is not None)
        texts.append(text if isinstance(text, str) and fault is None else None)
    return texts, bad


def scalar(value: Any) -> str | None:
    """Text of a value that is no list and no object; these as they are written."""
    if value is None or value == "" or value != value or value in (INFINITY, -INFINITY):
        return None
    try:
        return whole_signs(str(value))
    except ValueError:  # a number with more digits than Python writes
        return None


def table_of(records: Sequence[Record], names: Iterable[str]) -> pl.DataFrame:
    """Fields as text and :data:`ROW`; a field that no object has gives no column."""
    data = {
        name: pl.Series(name, [scalar(row.get(name)) for _, row in records], pl.String)
        for name in dict.fromkeys(names)
        if has(records, name)
    }
    rows = pl.Series(ROW, [number for number, _ in records], pl.Int64)
    return pl.DataFrame({**data, ROW: rows})
