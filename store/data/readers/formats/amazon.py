"""Amazon reviews and metadata: one JSON object on each line, plain or gzip.

The files of 2014, 2018 and 2023 name things differently; those of 2014 also exist with lines that
are Python literals instead of JSON. Such lines are read with ``ast.literal_eval``, which builds
values and runs nothing.
"""

from __future__ import annotations

import ast
import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.standard import Columns, interactions_from, items_from
from store.data.readers.text.files import first_line, load, single, suffix, to_utf8

USERS = ("reviewerID", "user_id")
ITEMS = ("parent_asin", "asin", "item_id")
TIMES = ("unixReviewTime", "timestamp")
POSITIONS = ("position",)
TITLES = ("title",)
BRANDS = ("brand", "store")
Record = tuple[int, dict[str, Any]]


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read reviews; every review counts as an interaction.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    records = list(read_records(path, problems))
    columns = Columns(
        _name(USERS, records),
        _name(ITEMS, records),
        _name(TIMES, records),
        _name(POSITIONS, records),
    ).chosen(options)
    names = (columns.user, columns.item, columns.time, columns.position)
    table = _table(records, {name: name for name in names})
    return interactions_from(table, columns, path.name, problems)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read metadata: title, categories, brand and price. Rows that repeat an item are merged.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    records = list(read_records(path, problems))
    columns = Columns(item=_name(ITEMS, records), title=_name(TITLES, records)).chosen(options)
    kept = {name: name for name in (columns.item, "price") if _has(records, name)}
    table = _table(records, kept | {"brand": _name(BRANDS, records)})
    table = table.with_columns(
        pl.Series(columns.title, [_text(row.get(columns.title)) for _, row in records], pl.String),
        pl.Series("categories", [_path(row) for _, row in records], pl.List(pl.String)),
    )
    columns = Columns(item=columns.item, title=columns.title)
    if columns.item in table.columns:
        table = _merge_repeats(table, path.name, problems)
    return items_from(table, columns, path.name, problems)


def read_records(path: Path, problems: Problems) -> Iterator[Record]:
    """Yield each line's number and object; lines that are neither JSON nor a literal are named.

    Raises
    ------
    UnusableFileError
        The file is empty, not what its name says, or no line can be read.
    """
    data = to_utf8(load(path, problems), path.name, b"\x00", problems)
    good = 0
    for number, line in enumerate(data.decode().split("\n"), start=1):
        if not line.strip():
            continue
        record = parse_line(line)
        if record is None:
            said = f"neither a JSON object nor a Python literal: {line[:80]!r}"
            problems.add(Kind.ROW, path.name, said, row=number, value=line[:80])
            continue
        good += 1
        yield number, record
    if not good:
        raise problems.fatal(Kind.EMPTY, path.name, "no line could be read")


def parse_line(line: str) -> dict[str, Any] | None:
    """Read one object, written as JSON or as a Python literal; None where it is neither."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        try:
            value = ast.literal_eval(line.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return value if isinstance(value, dict) else None


def is_reviews(record: dict[str, Any]) -> bool:
    """Tell a review from metadata: a review has a user."""
    return any(name in record for name in USERS)


def _has(records: Sequence[Record], name: str) -> bool:
    return any(name in record for _, record in records)


def _name(names: tuple[str, ...], records: Sequence[Record]) -> str:
    return next((name for name in names if _has(records, name)), names[-1])


def _table(records: Sequence[Record], names: dict[str, str]) -> pl.DataFrame:
    """Take fields as text; a field that no line has gives no column."""
    data = {
        name: pl.Series(name, [_scalar(row.get(source)) for _, row in records], pl.String)
        for name, source in names.items()
        if _has(records, source)
    }
    rows = pl.Series(ROW, [number for number, _ in records], pl.Int64)
    return pl.DataFrame({**data, ROW: rows})


def _scalar(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _text(value: Any) -> str | None:
    """Title as people read it: no HTML entities, single blanks."""
    if value is None:
        return None
    return " ".join(html.unescape(str(value)).split()) or None


def _path(record: dict[str, Any]) -> list[str]:
    """Category names in order, each once: ``categories`` is a list of paths in 2014."""
    found = record.get("categories") or record.get("category") or []
    paths = [found] if isinstance(found, str) else found
    names: dict[str, None] = {}
    for path in paths:
        for name in [path] if isinstance(path, str) else path:
            text = _text(name)
            if text:
                names.setdefault(text)
    main = _text(record.get("main_category") or record.get("main_cat"))
    return list(names) or ([main] if main else [])


def _merge_repeats(table: pl.DataFrame, file: str, problems: Problems) -> pl.DataFrame:
    """Merge rows that are equal in all that is kept: the published metadata repeat items."""
    kept = [name for name in table.columns if name != ROW]
    merged = table.unique(subset=kept, keep="first", maintain_order=True)
    repeats = table.height - merged.height
    if repeats:
        problems.notes.append(f"{file}: {repeats:,} rows repeat an item word for word; merged")
    return merged


def sniff(path: Path) -> bool:
    """Tell by the first line: an object."""
    return first_line(path).startswith("{")


def find(files: Sequence[Path]) -> FileSet | None:
    """Find the file of reviews and that of metadata; a review has a user."""
    reviews: list[Path] = []
    metadata: list[Path] = []
    for path in files:
        if suffix(path) not in (".json", ".jsonl"):
            continue
        record = parse_line(first_line(path, 1 << 20))
        if record is not None:
            (reviews if is_reviews(record) else metadata).append(path)
    if not reviews:
        return None
    return single(reviews, "reviews"), single(metadata, "metadata") if metadata else None


READER = Reader(read_interactions, read_items, sniff, find)
