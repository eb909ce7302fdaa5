"""The first line of separated text: what separates it, whether it names the columns."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW

SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars", "::": "double colons"}
UNIT = "\x1f"
"""Stands for ``::`` inside, because a separator must be one byte."""

MAX_HEADER = 1 << 20
"""Bytes of a header line, at most."""

_SAMPLE = 50
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*")


def find_separator(data: bytes, among: str = ",;|") -> str:
    """Separator of a text by its first lines: the one that gives the most equal rows.

    Parameters
    ----------
    data
        UTF-8 text.
    among
        Separators to choose from; the first where none separates anything.
    """
    start = data[: 1 << 18].decode(errors="replace")
    lines = [line for line in start.splitlines()[: _SAMPLE + 1] if line.strip()]
    if not lines:
        return among[0]
    if len(start) == 1 << 18 and len(lines) > 1:
        lines.pop()  # it may be cut off
    best, most = among[0], 0.0
    for mark in among:
        widths = [len(fields) for fields in _split_all(lines, mark)]
        width = widths[0] if widths else 1
        if width < 2:
            continue
        # Rows as wide as the header; among equal ones, the separator that gives more columns.
        score = Counter(widths)[width] / len(widths) + width / 1000
        if score > most:
            best, most = mark, score
    return best


def _split_all(lines: Sequence[str], mark: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=mark))
    except csv.Error:
        return [line.split(mark) for line in lines]


def split_header(line: str, separator: str) -> list[str]:
    """Names in a header line, without surrounding blanks and quotes."""
    try:
        names = next(csv.reader([line.replace("\r", " ")], delimiter=separator), [])
    except csv.Error:
        names = line.split(separator)
    return [name.strip().strip('"').strip() for name in names]


def checked_header(line: bytes, file: str, separator: str, problems: Problems) -> list[str]:
    """Names in a header line, one for each column.

    Raises
    ------
    UnusableFileError
        The line is too long to be a header, or is separated by something else.
    """
    if len(line) > MAX_HEADER:
        raise problems.fatal(
            Kind.NAME,
            file,
            f"the first line has {len(line):,} bytes, so it is no header of a table; separate rows"
            " by line breaks",
            row=1,
        )
    text = line.decode().rstrip("\r")
    names = split_header(text, separator)
    others = [mark for mark in SEPARATORS if mark != separator and mark in text]
    if len(names) == 1 and others:
        raise problems.fatal(
            Kind.SEPARATOR,
            file,
            f"expected {separator_words(separator)} between columns, but the header"
            f" {text[:80]!r} has {SEPARATORS[others[0]]}; name the separator",
            row=1,
            value=text[:80],
        )
    return distinct_names(names)


def distinct_names(names: Sequence[str]) -> list[str]:
    """Give unnamed and repeated columns names of their own."""
    taken, counts = {ROW}, dict.fromkeys(names, 1)
    out: list[str] = []
    for place, name in enumerate(names, start=1):
        name = name or f"column {place}"
        chosen = name
        while chosen in taken:
            counts[name] = counts.get(name, 1) + 1
            chosen = repeated_name(name, counts[name])
        taken.add(chosen)
        out.append(chosen)
    return out


def repeated_name(name: str, time: int = 2) -> str:
    """Name of a column whose name stands in the header for the second, third … time."""
    return f"{name} ({time})"


def is_data(fields: Sequence[str], known: Collection[str]) -> bool:
    """Whether the first row of a text holds values and not names.

    Parameters
    ----------
    fields
        The first row.
    known
        Names that a column may have, as :func:`folded` gives them.
    """
    if any(folded(field) in known for field in fields):
        return False
    return any(_NUMBER.fullmatch(field) or _DATE.fullmatch(field) for field in fields)


def folded(name: str) -> str:
    """Name of a column without case, accents, blanks and signs: ``Catégorie`` is ``categorie``."""
    apart = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[\W_]+", "", "".join(sign for sign in apart if not unicodedata.combining(sign)))


def separator_words(separator: str) -> str:
    """What a separator is called."""
    return SEPARATORS.get("::" if separator == UNIT else separator, repr(separator))
