"""Problems of a source, each with its place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl

SHOWN = 10
"""Problems of one kind that are kept with their place; the others are counted."""


class Kind(StrEnum):
    """Kinds of bad input."""

    EMPTY = "empty file"
    NAME = "not what its name says"
    ENCODING = "not UTF-8"
    SEPARATOR = "wrong separator"
    COLUMN = "missing column"
    ROW = "broken row"
    VALUE = "missing value"
    ID = "unusable id"
    TIME = "unreadable time"
    POSITION = "unreadable position"
    DUPLICATE = "duplicate item id"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the input.

    Attributes
    ----------
    kind
        One of :class:`Kind`.
    file
        Name of the file, or of the frame.
    row
        Row counted from 1; the header line of a text file is row 1. None: the whole file.
    column
        Name of the column, None where the row or the file is meant.
    value
        What was found there.
    message
        What is wrong and what to do.
    """

    kind: Kind
    file: str
    row: int | None
    column: str | None
    value: str | None
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{place}: {self.message}"


class UnusableFileError(Exception):
    """A problem after which nothing more can be read from the file."""


@dataclass
class Problems:
    """Collects problems: the first ten of each kind in full, the rest as a count.

    Attributes
    ----------
    notes
        What was assumed while reading, as sentences.
    advice
        What to do about problems of the whole source, as sentences.
    proposed
        Columns that may hold what was not found, by the parameter that would name them.
    """

    first: list[Problem] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    proposed: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        kind: Kind,
        file: str,
        message: str,
        *,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
    ) -> None:
        """Record one problem.

        Parameters
        ----------
        kind
            Class of the problem; the report counts by it.
        file, row, column
            Where it is; rows count from 1 without the header.
        message
            What is wrong there.
        value
            The value as written in the file.
        """
        self.counts[kind] += 1
        if self.counts[kind] <= SHOWN:
            self.first.append(Problem(kind, file, row, column, value, message))

    def add_rows(self, kind: Kind, bad: pl.DataFrame, file: str, column: str, message: str) -> None:
        """Record every row of ``bad``, whose columns are ``row`` and ``value``.

        ``{value}`` in the message stands for the value as written in the file.
        """
        for row, value in bad.head(SHOWN).iter_rows():
            text = "" if value is None else str(value)
            said = message.replace("{value}", repr(text))
            self.add(kind, file, said, row=row, column=column, value=text)
        self.counts[kind] += max(0, bad.height - SHOWN)

    def fatal(self, kind: Kind, file: str, message: str, **place: Any) -> UnusableFileError:
        """Record a problem that ends the reading of a file; raise what this returns.

        Parameters
        ----------
        kind, file, message
            As in :meth:`add`.
        place
            ``row``, ``column`` and ``value``, where they are known.
        """
        self.add(kind, file, message, **place)
        return UnusableFileError(message)
