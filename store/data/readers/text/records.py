"""Quoted text → rows, as RFC 4180 says; a quote that swallows rows is found and its row named.

A field that begins with a quote ends at the next single quote; two quotes stand for one. So one
stray quote joins all lines up to the next one into a field, and nothing in the grammar says that
this is wrong. Three things give it away: the quote is open at the end of the file, text follows the
closing quote, or the lines inside of the field are rows themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

OPEN = "a quote opens a field and is not closed"
AFTER = "text follows a closing quote"
SWALLOWS = "a quote opens a field that goes on over lines which look like rows"
NUL = "the row holds a NUL byte"
MAX_LINES = 1000
"""Lines in one field, at most; a longer one is a quote that is not closed."""

_NEWLINE, _QUOTE, _RETURN = 10, 34, 13
_SAMPLE, _ENOUGH = 200, 3
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Record:
    """One row of the text, counted from 1.

    Attributes
    ----------
    fields
        None where the row is broken.
    text
        The row as written; of a broken row its first line.
    fault
        Why it is broken.
    """

    number: int
    fields: list[str] | None
    text: str
    fault: str | None = None


def quotes_are_regular(data: bytes, separator: str) -> bool:
    """Whether every quote opens or closes a field, or stands doubled inside of one, on one line.

    Text of which this holds means the same to every parser. Fields over several lines do not count
    as regular, because their lines have to be looked at.
    """
    text = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(text == _QUOTE)
    if not len(quotes):
        return True
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    ends = np.array([ord(separator), _NEWLINE, _RETURN], dtype=np.uint8)
    before = np.where(opening > 0, text[opening - 1], _NEWLINE)
    after = np.where(closing + 1 < len(text), text[np.minimum(closing + 1, len(text) - 1)], 10)
    joined = closing[:-1] + 1 == opening[1:]  # a doubled quote
    opens = np.isin(before, ends)
    opens[1:] |= joined
    closes = np.isin(after, ends)
    closes[:-1] |= joined
    if not (opens.all() and closes.all()):
        return False
    newlines = np.flatnonzero(text == _NEWLINE)
    return not bool((np.searchsorted(quotes, newlines) % 2).any())


def records(
    text: str, separator: str, width: int, first: int, *, quoted: bool, escaped: bool = False
) -> Iterator[Record]:
    r"""Yield the rows of a text; blank lines count but are not given.

    Parameters
    ----------
    width
        Fields of a row, to know lines that look like rows.
    first
        Number of the first row.
    quoted
        Whether quotes have a meaning.
    escaped
        Whether a backslash in a quoted field takes the next sign as it stands, as in ``\"``.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    shape = _shape_of(lines, separator, width) if quoted else None
    place, number = 0, first
    while place < len(lines):
        line = lines[place]
        used = 1
        if "\0" in line:
            yield Record(number, None, line, NUL)
        elif shape is None or '"' not in line:
            if line:
                yield Record(number, line.split(separator), line)
        else:
            record, used = _quoted(lines, place, number, shape, escaped)
            yield record
        place += used
        number += 1


def split_quoted(text: str, separator: str, *, escaped: bool = False) -> list[str] | str:
    """Split one row at a separator outside of quotes; what is wrong with it where it is broken.

    Parameters
    ----------
    text
        One row, without its end of line.
    separator
        One character.
    escaped
        Whether a backslash in a quoted field takes the next sign as it stands.

    Returns
    -------
    list of str, or str
        The fields; a text is what is wrong.
    """
    inside = _field(escaped)
    fields: list[str] = []
    start = 0
    while True:
        opening = _blanks(text, start)
        if text[opening : opening + 1] != '"':
            end = text.find(separator, start)
            fields.append(text[start:] if end < 0 else text[start:end])
            if end < 0:
                return fields
        else:
            found = inside.match(text, opening)
            if found is None:
                return OPEN
            end = _blanks(text, found.end())
            fields.append(_unescaped(found[1], escaped))
            if end == len(text):
                return fields
            if not text.startswith(separator, end):
                return AFTER
        start = end + len(separator)


@dataclass(frozen=True)
class _Shape:
    """What a row looks like: its fields, and those of them that are numbers."""

    separator: str
    width: int
    numbers: tuple[int, ...]

    def fits(self, line: str) -> bool:
        """Whether a line has the fields of a row."""
        return line.count(self.separator) == self.width - 1

    def resembles(self, line: str) -> bool:
        """Whether a line has a number in every place where a row has one."""
        fields = line.split(self.separator)
        return len(fields) >= self.width and all(
            _NUMBER.fullmatch(fields[place]) for place in self.numbers
        )


def _shape_of(lines: list[str], separator: str, width: int) -> _Shape:
    rows = [line.split(separator) for line in lines[:_SAMPLE] if '"' not in line]
    rows = [row for row in rows if len(row) == width]
    numbers = tuple(
        place
        for place in range(width)
        if len(rows) >= _ENOUGH and all(_NUMBER.fullmatch(row[place]) for row in rows)
    )
    return _Shape(separator, width, numbers)


def _quoted(
    lines: list[str], place: int, number: int, shape: _Shape, escaped: bool
) -> tuple[Record, int]:
    """Row that begins at a line with quotes, and how many lines it takes."""
    text, used = lines[place], 1
    fields = split_quoted(text, shape.separator, escaped=escaped)
    while fields == OPEN:
        last = place + used
        stop = min(len(lines), place + MAX_LINES)
        while last < stop and '"' not in lines[last]:
            last += 1
        if last >= stop:
            return Record(number, None, lines[place], OPEN), 1
        text = "\n".join([text, *lines[place + used : last + 1]])
        used = last + 1 - place
        fields = split_quoted(text, shape.separator, escaped=escaped)
    if isinstance(fields, str):
        # Of several lines, the first is at fault: the others are looked at on their own.
        return Record(number, None, lines[place], fields if used == 1 else OPEN), 1
    if used > 1 and _are_rows(lines[place : place + used], shape):
        return Record(number, None, lines[place], SWALLOWS), 1
    if "\0" in text:
        return Record(number, None, text, NUL), used
    return Record(number, fields, text), used


def _are_rows(lines: list[str], shape: _Shape) -> bool:
    """Whether the lines of a field are rows; two lines with two fields may be chance."""
    if shape.numbers and shape.width > 2:
        return any(shape.resembles(line) for line in lines[1:])
    least = 2 if shape.width > 2 else 3
    return shape.width > 1 and len(lines) >= least and all(map(shape.fits, lines))


def _blanks(text: str, start: int) -> int:
    while text[start : start + 1] == " ":
        start += 1
    return start


def _unescaped(text: str, escaped: bool) -> str:
    if escaped and "\\" in text:
        return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL).replace('""', '"')
    return text.replace('""', '"')


@cache
def _field(escaped: bool) -> re.Pattern[str]:
    body = r'(?:[^"\\]++|\\.|"")*+' if escaped else r'(?:[^"]++|"")*+'
    return re.compile(rf'"({body})"', re.DOTALL)
