"""What commands print: one JSON document, or a table on a terminal and plain lines in a pipe.

Titles, labels, ids, file names and the messages of providers come from outside. Whatever is printed
passes :func:`clean`, so that none of them can steer the terminal.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

JOINERS = "\u200c\u200d"
"""Zero-width joiners: harmless, and Persian and many emoji need them."""

_BYTES = re.compile("[\udc80-\udcff]+")
"""How Python keeps bytes that are no text: as lone halves of signs."""

_NOT_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """Text that is safe on a terminal: signs that steer it become spaces, line ends stay.

    A byte that is no text, as in the name of a file, becomes U+FFFD.

    Steering are control characters, with them all escape sequences, signs that turn the direction
    of writing, and what is no character at all.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _BYTES.sub("\ufffd", text)
    return "".join(
        sign if sign in "\n\t" or sign in JOINERS or unicodedata.category(sign)[0] != "C" else " "
        for sign in text
    )


def plain(value: object) -> str:
    """A value as one line that is safe on a terminal."""
    return clean("" if value is None else str(value)).replace("\n", " ").replace("\t", " ")


def shortened(text: str, width: int) -> str:
    """One line of at most ``width`` signs, cut between two words; ``…`` says that it goes on."""
    line = plain(text)
    return line if len(line) <= width else textwrap.shorten(line, width, placeholder=" …")


def print_json(document: Any, to: TextIO | None = None, *, one_line: bool = False) -> None:
    """Print one JSON document; what is not a number becomes null.

    Signs that steer a terminal are written as escapes.

    Parameters
    ----------
    document
        Plain values.
    to
        Where to; None is standard output.
    one_line
        Without line breaks, for a reader that takes a line at a time.
    """
    indent = None if one_line else 2
    text = json.dumps(_without_nan(document), indent=indent, ensure_ascii=False, default=str)
    (to or sys.stdout).write(_NOT_IN_JSON.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text) + "\n")


def _without_nan(value: Any) -> Any:
    """NaN and Infinity are not JSON, although Python writes them."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def colours() -> bool:
    """Whether standard output shows bold and colours; ``NO_COLOR`` in the environment forbids it.

    See https://no-color.org.
    """
    return (
        sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") not in (None, "dumb")
    )


def number(value: float | None, digits: int = 0) -> str:
    """A number as all commands print it: thousands with commas; nothing where it is not known."""
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return "–"
    return f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}"


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headers: a drawn table on a terminal, tab-separated lines in a pipe.

    Columns of numbers stand to the right. In a pipe numbers are as Python writes them, so that
    programs can read them.
    """
    if not sys.stdout.isatty():
        for row in [list(headers), *rows]:
            sys.stdout.write("\t".join(plain(value) for value in row) + "\n")
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title) or None, title_justify="left")
    for place, header in enumerate(headers):
        numbers = bool(rows) and all(_numeric(row[place]) for row in rows)
        # On a narrow terminal a cell takes several lines; nothing is cut off.
        table.add_column(header, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    Console(highlight=False).print(table)


_NUMBER = re.compile(r"[±–-]? ?[\d,]*\.?\d+ ?%?|–|")


def _numeric(value: object) -> bool:
    """Whether a cell is a number, a number as text, or empty."""
    return not isinstance(value, bool) and bool(_NUMBER.fullmatch(plain(value)))


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    return plain(value)


def maker(source: str) -> str:
    """Who made an interest, in words that leave no doubt about the offline extractor."""
    return "offline extractor, not a language model" if source == "offline" else plain(source)


def say(text: str) -> None:
    """Print one plain line."""
    sys.stdout.write(clean(text) + "\n")


def say_lines(lines: Iterable[str], indent: str = "") -> None:
    """Print lines; on a terminal one that is too wide goes on below, broken between words."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in lines:
        inner = line[: len(line) - len(line.lstrip())]
        if width is None or len(indent) + len(line) <= width:
            say(indent + line)
        else:
            more = indent + inner + "  "
            say(
                textwrap.fill(
                    plain(line.strip()),
                    width,
                    initial_indent=indent + inner,
                    subsequent_indent=more,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )


def note(text: str) -> None:
    """Print one line for the person watching, kept out of what a pipe receives.

    Where standard error takes nothing any more, the line is lost and the work goes on.
    """
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(clean(text) + "\n")
        sys.stderr.flush()
