"""Separated text → a frame of strings, with every row that does not fit the header named."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from polars.selectors import by_name

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.text.encoding import to_utf8
from store.data.readers.text.header import (
    SEPARATORS,
    UNIT,
    checked_header,
    find_separator,
    is_data,
    separator_words,
    split_header,
)
from store.data.readers.text.records import AFTER, NUL, quotes_are_regular, records

_HINT = re.compile(rb"sep=([^\r\n])\r?\n", re.IGNORECASE)


@dataclass(frozen=True)
class _Layout:
    """Where the rows of one text are and how they are separated."""

    file: str
    separator: str
    header: Sequence[str]
    first: int
    quoted: bool

    @property
    def width(self) -> int:
        return len(self.header)


def parse(
    data: bytes,
    file: str,
    separator: str | None,
    options: ReadOptions,
    problems: Problems,
    *,
    header: Sequence[str] | None = None,
    known: Collection[str] = (),
) -> pl.DataFrame:
    """Read separated text; nothing is guessed about types.

    Fields may be quoted (RFC 4180). Tab-separated fields hold no tabs or line breaks; a field that
    is quoted as a whole is unquoted, other quotes are part of the text.

    Parameters
    ----------
    data
        The file, unpacked.
    separator
        None to detect commas, semicolons or bars.
    header
        Column names where the format has no header line.
    known
        Names that columns may have (:func:`store.data.readers.text.header.folded`): a first line
        of other names and of numbers is a row. Columns of a text without a header are named by
        number, from 1.

    Returns
    -------
    polars.DataFrame
        String columns, null where empty, and :data:`ROW`. Blank lines are left out.

    Raises
    ------
    UnusableFileError
        There is no row, or the header is separated by something else.
    """
    between = separator or find_separator(data)
    data = to_utf8(data, file, problems, separator=between, encoding=options.encoding)
    data = _line_feeds(data)
    first = 1
    if hint := _HINT.match(data):  # what Excel writes before the header
        data, first = data[hint.end() :], 2
        separator = separator or hint[1].decode(errors="replace")
    separator = separator or _found(data, file, problems)
    if len(separator) > 1:
        data, separator = data.replace(separator.encode(), UNIT.encode()), UNIT
    if header is None:
        blank = len(data) - len(data.lstrip(b"\r\n"))
        first += data[:blank].count(b"\n")
        data = data[blank:]
        line, _, rest = data.partition(b"\n")
        header = checked_header(line, file, separator, problems)
        fields = split_header(line.decode().rstrip("\r"), separator)
        named = options.header
        if named or (named is None and not is_data(fields, known)):
            data, first = rest, first + 1
        else:
            header = [str(place) for place in range(1, len(header) + 1)]
            problems.notes.append(
                f"{file} has no line of column names: its columns are numbered from 1 to"
                f" {len(header)}, and row 1 is data"
            )
    if not data.strip():
        raise problems.fatal(Kind.EMPTY, file, "the file has a header but no rows")
    quoted = separator not in ("\t", UNIT)
    frame = _parse_body(data, _Layout(file, separator, header, first, quoted), problems)
    if not quoted:
        frame = frame.with_columns(_unquoted(name) for name in frame.columns if name != ROW)
    return frame.filter(~pl.all_horizontal(pl.exclude(ROW).is_null()))


def _found(data: bytes, file: str, problems: Problems) -> str:
    separator = find_separator(data)
    if separator != ",":
        problems.notes.append(f"{file}: {SEPARATORS[separator]} stand between the columns")
    return separator


def _line_feeds(data: bytes) -> bytes:
    """End lines with a line feed where a carriage return alone does; elsewhere it is a blank."""
    if data.count(b"\r") == data.count(b"\r\n"):
        return data
    return re.sub(rb"\r(?!\n)", b" " if b"\n" in data else b"\n", data)


def _parse_body(data: bytes, layout: _Layout, problems: Problems) -> pl.DataFrame:
    if b"\0" in data or (layout.quoted and not quotes_are_regular(data, layout.separator)):
        return _parse_carefully(data, layout, problems)
    # A row with as many fields as the header comes first, so that polars takes that width.
    widest = layout.separator.join("x" * layout.width).encode() + b"\n"
    frame: pl.DataFrame | None
    try:
        frame = pl.read_csv(
            widest + data,
            has_header=False,
            separator=layout.separator,
            quote_char='"' if layout.quoted else None,
            infer_schema=False,
        )
        if frame.width != layout.width:
            frame = None
    except pl.exceptions.PolarsError:
        frame = None
    if frame is not None and not _may_be_short(frame, data, layout):
        frame = frame.slice(1).rename(dict(zip(frame.columns, layout.header, strict=True)))
        return frame.with_row_index(ROW, layout.first).cast({ROW: pl.Int64})
    return _parse_carefully(data, layout, problems)


def _may_be_short(frame: pl.DataFrame, data: bytes, layout: _Layout) -> bool:
    """Tell whether a row may have fewer fields than the header; polars fills those with nulls."""
    if layout.width == 1 or not frame[:, -1].null_count():
        return False
    if layout.quoted and b'"' in data:
        return True
    text = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(text))
    marks = np.searchsorted(np.flatnonzero(text == ord(layout.separator)), ends)
    fields = np.diff(marks, prepend=0) + 1
    return bool((fields != layout.width).any())


def _parse_carefully(data: bytes, layout: _Layout, problems: Problems) -> pl.DataFrame:
    """Read row by row, leave out the rows that do not fit and name them."""
    text = data.decode()
    good, misfits = _split_rows(text, layout, escaped=False)
    if layout.quoted and '\\"' in text and any(fault == AFTER for *_, fault in misfits):
        again = _split_rows(text, layout, escaped=True)
        if len(again[1]) < len(misfits):
            good, misfits = again
            problems.notes.append(f'{layout.file}: \\" was read as a quote inside of a field')
    for number, written, fields, fault in misfits:
        _report_misfit(written, fields, number, fault, layout, problems)
    columns = zip(*(fields for _, fields in good), strict=True) if good else ((),) * layout.width
    frame = pl.DataFrame(
        {
            name: pl.Series(name, [text or None for text in column], dtype=pl.String)
            for name, column in zip(layout.header, columns, strict=True)
        }
    )
    return frame.with_columns(pl.Series(ROW, [number for number, _ in good], dtype=pl.Int64))


_Misfit = tuple[int, str, list[str] | None, str | None]


def _split_rows(
    text: str, layout: _Layout, *, escaped: bool
) -> tuple[list[tuple[int, list[str]]], list[_Misfit]]:
    """Rows that fit the header with their numbers, and those that do not with the reason."""
    good: list[tuple[int, list[str]]] = []
    misfits: list[_Misfit] = []
    for record in records(
        text,
        layout.separator,
        layout.width,
        layout.first,
        quoted=layout.quoted,
        escaped=escaped,
    ):
        if record.fields is not None and len(record.fields) == layout.width:
            good.append((record.number, record.fields))
        else:
            misfits.append((record.number, record.text, record.fields, record.fault))
    return good, misfits


def _report_misfit(
    written: str,
    fields: list[str] | None,
    row: int,
    fault: str | None,
    layout: _Layout,
    problems: Problems,
) -> None:
    text = written.replace(UNIT, "::")[:80]
    if fields is None:
        advice = "" if fault == NUL else "; double the quotes that belong to the text"
        problems.add(Kind.ROW, layout.file, f"{fault}: {text!r}{advice}", row=row, value=text)
        return
    other = next((mark for mark in SEPARATORS if mark != layout.separator and mark in text), None)
    if len(fields) == 1 and other:
        said = f"expected {separator_words(layout.separator)} between columns"
        said += f", found {SEPARATORS[other]} in {text!r}"
        problems.add(Kind.SEPARATOR, layout.file, said, row=row, value=text)
        return
    count = f"{len(fields)} field{'s' if len(fields) != 1 else ''}"
    said = f"{count} where the header has {layout.width}: {text!r}"
    problems.add(Kind.ROW, layout.file, said, row=row, value=text)


def _unquoted(name: str) -> pl.Expr:
    """Take the quotes off a field that is quoted as a whole, with inner quotes doubled."""
    text = by_name(name).as_expr()  # pl.col takes "*" and "^…$" for patterns
    inner = text.str.slice(1, text.str.len_chars() - 2)
    lone = inner.str.replace_all('""', "", literal=True).str.contains('"', literal=True)
    whole = text.str.starts_with('"') & text.str.ends_with('"') & (text.str.len_chars() >= 2)
    plain = inner.str.replace_all('""', '"', literal=True)
    return pl.when(whole & ~lone).then(plain).otherwise(text).alias(name)
