"""What published data sets have in common: large files of JSON lines, items that stand twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.columns.selection import selected_columns
from store.data.readers.formats.json_records import parse_line, scalar
from store.data.readers.text.compression import TooLargeError
from store.data.readers.text.files import lines, shown_name
from store.data.readers.values.ids import UNUSABLE, id_text
from store.errors import DataError

JSON_NAMES = (".json", ".jsonl", ".ndjson")
ListsOf = Callable[[dict[str, Any]], Sequence[str]]


def each_object(
    path: Path, options: ReadOptions, problems: Problems
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's number and object, one line in memory at a time.

    Lines that are neither JSON nor a Python literal, or not UTF-8, are named as problems.

    Raises
    ------
    DataError
        The file cannot be read, is damaged or too large.
    """
    name = shown_name(path)
    try:
        for number, line in enumerate(lines(path, options.max_bytes), start=1):
            try:
                text = line.decode(options.encoding or "utf-8-sig")
            except UnicodeDecodeError as error:
                problems.add(Kind.ENCODING, name, f"not UTF-8: {error.reason}", row=number)
                continue
            if not text.strip():
                continue
            record = parse_line(text)
            if record is None:
                shown = text.strip()[:80]
                said = f"neither a JSON object nor a Python literal: {shown!r}"
                problems.add(Kind.ROW, name, said, row=number, value=shown)
                continue
            yield number, record
    except TooLargeError:
        raise DataError(
            f"{name} holds more than {options.max_bytes:,} bytes unpacked; raise max_bytes if it is"
            " to be read all the same"
        ) from None


def json_table(
    path: Path,
    fields: Sequence[str],
    options: ReadOptions,
    problems: Problems,
    lists: Mapping[str, ListsOf] | None = None,
) -> pl.DataFrame:
    """Read some fields of JSON lines, and those that the options name, as columns of text.

    Parameters
    ----------
    path, options, problems
        As every reader has them.
    fields
        Names of the fields.
    lists
        Columns of lists, each with what makes it of an object.

    Returns
    -------
    polars.DataFrame
        With :data:`ROW`.

    Raises
    ------
    UnusableFileError
        There is no object.
    DataError
        The file cannot be read.
    """
    named = [value for name, value in vars(options).items() if name.endswith("_column") and value]
    made = lists or {}
    wanted = dict.fromkeys([*fields, *named, *selected_columns(options)])
    names = [name for name in wanted if name not in made]
    columns: dict[str, list[Any]] = {name: [] for name in [*names, *made, ROW]}
    for number, record in each_object(path, options, problems):
        for name in names:
            columns[name].append(_text(record.get(name)))
        for name, of in made.items():
            columns[name].append(list(of(record)))
        columns[ROW].append(number)
    if not columns[ROW]:
        raise problems.fatal(Kind.EMPTY, shown_name(path), "no line could be read")
    types: dict[str, Any] = dict.fromkeys(names, pl.String)
    types |= dict.fromkeys(made, pl.List(pl.String)) | {ROW: pl.Int64}
    table = pl.DataFrame(columns, schema=types)
    empty = [name for name in names if name not in fields and table[name].is_null().all()]
    return table.drop(empty)


def _text(value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):  # 12.0 and 12 are one id
        text = id_text(value)
        return None if text is UNUSABLE else text  # type: ignore[return-value]
    return scalar(value)


def distinct_items(table: pl.DataFrame, column: str, file: str, problems: Problems) -> pl.DataFrame:
    """Keep the first row of each item and leave out rows without an id, as a publication has them.

    Nobody can mend a published file, so what is left out is noted and no problem.
    """
    kept = table.filter(pl.col(column).is_not_null()).unique(
        subset=[column], keep="first", maintain_order=True
    )
    if kept.height < table.height:
        problems.notes.append(
            f"{file}: {table.height - kept.height:,} rows without an id or of an item that stands"
            " before are left out"
        )
    return kept
