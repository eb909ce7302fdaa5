"""Separated text → a frame of strings, with every row that does not fit the header named."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

import numpy as np
import polars as pl

from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.text.files import to_utf8

SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", "::": "double colons"}
UNIT = "\x1f"
"""Stands for ``::`` inside, because a separator must be one byte."""


def parse(
    data: bytes,
    file: str,
    separator: str,
    problems: Problems,
    *,
    header: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Read separated text; nothing is guessed about types.

    Commas may be quoted (RFC 4180). Tab-separated fields hold no tabs or line breaks; a field that
    is quoted as a whole is unquoted, other quotes are part of the text.

    Parameters
    ----------
    data
        The file after gzip.
    header
        Column names where the file has no header line.

    Returns
    -------
    polars.DataFrame
        String columns, null where empty, and :data:`ROW`. Blank lines are left out.

    Raises
    ------
    UnusableFileError
        There is no row, or the header is separated by something else.
    """
    data = _line_feeds(to_utf8(data, file, separator.encode(), problems))
    first = 1
    if header is None:
        blank = len(data) - len(data.lstrip(b"\r\n"))
        first = 2 + data[:blank].count(b"\n")
        data = data[blank:]
        header = _read_header(data, file, separator, problems)
        _, _, data = data.partition(b"\n")
    if not data.strip():
        raise problems.fatal(Kind.EMPTY, file, "the file has a header but no rows")
    frame = _parse_body(data, file, separator, problems, header, first)
    if separator != ",":
        frame = frame.with_columns(_unquoted(name) for name in frame.columns if name != ROW)
    return frame.filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))


def _line_feeds(data: bytes) -> bytes:
    """End lines with a line feed where a carriage return alone does; elsewhere it is a blank."""
    if data.count(b"\r") == data.count(b"\r\n"):
        return data
    return re.sub(rb"\r(?!\n)", b" " if b"\n" in data else b"\n", data)


def split_header(line: str, separator: str) -> list[str]:
    """Names in a header line, without surrounding blanks and quotes."""
    names = next(csv.reader([line.replace("\r", " ")], delimiter=separator), [])
    return [name.strip().strip('"') for name in names]


def _read_header(data: bytes, file: str, separator: str, problems: Problems) -> list[str]:
    line = data.partition(b"\n")[0].decode().rstrip("\r")
    names = split_header(line, separator)
    others = [mark for mark in SEPARATORS if mark != separator and mark in line]
    if len(names) == 1 and others:
        raise problems.fatal(
            Kind.SEPARATOR,
            file,
            f"expected {_words(separator)} between columns, but the header"
            f" {line[:80]!r} has {SEPARATORS[others[0]]}; save the file with tabs or commas",
            row=1,
            value=line[:80],
        )
    return _distinct(names)


def _distinct(names: Sequence[str]) -> list[str]:
    """Give unnamed and repeated columns names of their own."""
    seen: dict[str, int] = {}
    out = []
    for place, name in enumerate(names, start=1):
        name = name or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out


def _parse_body(
    data: bytes,
    file: str,
    separator: str,
    problems: Problems,
    header: Sequence[str],
    first: int,
) -> pl.DataFrame:
    width = len(header)
    # A row with as many fields as the header comes first, so that polars takes that width.
    widest = separator.join("x" * width).encode() + b"\n"
    quoted = separator == ","
    frame: pl.DataFrame | None
    try:
        frame = pl.read_csv(
            widest + data,
            has_header=False,
            separator=separator,
            quote_char='"' if quoted else None,
            infer_schema=False,
        )
        if frame.width != width:
            frame = None
    except pl.exceptions.PolarsError:
        frame = None
    if frame is not None and not _may_be_short(frame, data, separator, quoted, width):
        frame = frame.slice(1).rename(dict(zip(frame.columns, header, strict=True)))
        return frame.with_row_index(ROW, first).cast({ROW: pl.Int64})
    return _parse_carefully(data, file, separator, problems, header, first)


def _may_be_short(
    frame: pl.DataFrame, data: bytes, separator: str, quoted: bool, width: int
) -> bool:
    """Tell whether a row may have fewer fields than the header; polars fills those with nulls."""
    if width == 1 or not frame[:, -1].null_count():
        return False
    if quoted and b'"' in data:
        return True
    text = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(text))
    marks = np.searchsorted(np.flatnonzero(text == ord(separator)), ends)
    fields = np.diff(marks, prepend=0) + 1
    return bool((fields != width).any())


def _parse_carefully(
    data: bytes,
    file: str,
    separator: str,
    problems: Problems,
    header: Sequence[str],
    first: int,
) -> pl.DataFrame:
    """Read row by row, leave out the rows that do not fit and name them."""
    stream = io.StringIO(data.decode(), newline="")
    csv.field_size_limit(1 << 30)
    good: list[list[str | None]] = []
    rows: list[int] = []
    for number, fields in enumerate(
        csv.reader(
            stream,
            delimiter=separator,
            quoting=csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE,
        ),
        start=first,
    ):
        if len(fields) == len(header):
            good.append([text or None for text in fields])
            rows.append(number)
        elif fields:
            _report_misfit(fields, number, file, separator, problems, len(header))
    frame = pl.DataFrame(good, schema=dict.fromkeys(header, pl.String), orient="row")
    return frame.with_columns(pl.Series(ROW, rows, dtype=pl.Int64))


def _report_misfit(
    fields: list[str], row: int, file: str, separator: str, problems: Problems, width: int
) -> None:
    text = ("::" if separator == UNIT else separator).join(fields)[:80]
    other = next((mark for mark in SEPARATORS if mark != separator and mark in text), None)
    if len(fields) == 1 and other:
        said = f"expected {_words(separator)} between columns"
        said += f", found {SEPARATORS[other]} in {text!r}"
        problems.add(Kind.SEPARATOR, file, said, row=row, value=text)
        return
    count = f"{len(fields)} field{'s' if len(fields) != 1 else ''}"
    said = f"{count} where the header has {width}: {text!r}"
    problems.add(Kind.ROW, file, said, row=row, value=text)


def _words(separator: str) -> str:
    return SEPARATORS["::" if separator == UNIT else separator]


def _unquoted(name: str) -> pl.Expr:
    """Take the quotes off a field that is quoted as a whole, with inner quotes doubled."""
    text = pl.col(name)
    inner = text.str.slice(1, text.str.len_chars() - 2)
    lone = inner.str.replace_all('""', "", literal=True).str.contains('"', literal=True)
    whole = text.str.starts_with('"') & text.str.ends_with('"') & (text.str.len_chars() >= 2)
    plain = inner.str.replace_all('""', '"', literal=True)
    return pl.when(whole & ~lone).then(plain).otherwise(text).alias(name)
