"""What commands print: one JSON document, or a table on a terminal and plain lines in a pipe."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


def print_json(document: Any) -> None:
    """Print one JSON document to standard output; what is not a number becomes null."""
    document = _without_nan(document)
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")


def _without_nan(value: Any) -> Any:
    """NaN and Infinity are not JSON, although Python writes them."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(value: object) -> str:
    """Text that is safe on a terminal: titles may carry control characters."""
    text = "" if value is None else str(value)
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under headers: a drawn table on a terminal, tab-separated lines in a pipe."""
    cells = [[plain(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in [list(headers), *cells]:
            sys.stdout.write("\t".join(row) + "\n")
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*headers, title=title or None, title_justify="left")
    for column in table.columns:  # on a narrow terminal nothing is cut off
        column.overflow = "fold"
    for row in cells:
        table.add_row(*(escape(value) for value in row))
    Console().print(table)


def maker(source: str) -> str:
    """Who made an interest, in words that leave no doubt about the offline extractor."""
    return "offline extractor, not a language model" if source == "offline" else plain(source)


def say(text: str) -> None:
    """Print one plain line."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """Print one line for the person watching, kept out of what a pipe receives."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def progress(what: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show the progress of ``total`` steps on standard error; yields ``advance(steps)``.

    Silent where standard error is not a terminal, so that logs stay readable.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda steps: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)
