"""What reading a source gives: frames in one shape, and every problem with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from store.data.readers.base.problems import Kind, Problem
from store.errors import DataError

ROW = "\0row"
"""Column of row numbers in a table that is read, counted from 1; a header line is row 1."""


@dataclass(frozen=True)
class RawData:
    """Interactions and items as they stand in the source, in one shape.

    Attributes
    ----------
    interactions
        Columns ``user_id``, ``item_id`` (text), ``timestamp`` (int64 unix seconds or null),
        ``position`` (int64 or null), ``row`` (int64, as in :class:`Problem`); and ``nanosecond``
        (int64, of the second) where any time has a fraction of a second.
    items
        Columns ``item_id``, ``title`` (text or null), ``categories`` (list of text), ``extra``
        (a JSON object as text), ``row``. Empty where there is no item file.
    problems
        The first ten of each kind; rows with a problem are not in the frames.
    problem_counts
        All of them, by kind.
    notes
        What was assumed while reading, as sentences.
    format
        Name of the format, or ``frame``.
    files
        Names of what was read.
    advice
        What to do about problems of the whole source, as sentences.
    proposed
        Columns that may hold what was not found, by the parameter that would name them.
    source
        Where the data lay, as a store records it: without credentials, with what of it was read.
    """

    interactions: pl.DataFrame
    items: pl.DataFrame
    problems: list[Problem]
    problem_counts: dict[Kind, int]
    notes: list[str]
    format: str
    files: list[str]
    advice: list[str] = field(default_factory=list)
    proposed: dict[str, str] = field(default_factory=dict)
    source: str = "frames"


def raise_on_problems(raw: RawData) -> None:
    """Refuse data with problems.

    Raises
    ------
    DataError
        With the words of ``profiler check``: the first ten problems of each kind.
    """
    if raw.problems:
        raise DataError("\n".join(problem_lines(raw)))


def problem_lines(raw: RawData) -> list[str]:
    """Every kind with its count, then its first ten problems by place; then what to do."""
    lines = []
    for kind, count in raw.problem_counts.items():
        shown = [str(problem) for problem in raw.problems if problem.kind == kind]
        lines.append(f"{kind} ({count:,}):")
        lines += [f"  {text}" for text in shown]
        if count > len(shown):
            lines.append(f"  … and {count - len(shown):,} more")
    return lines + raw.advice


def no_interactions() -> pl.DataFrame:
    """Interactions frame without rows."""
    return pl.DataFrame(
        schema={
            "user_id": pl.String,
            "item_id": pl.String,
            "timestamp": pl.Int64,
            "position": pl.Int64,
            "row": pl.Int64,
        }
    )


def no_items() -> pl.DataFrame:
    """Items frame without rows."""
    return pl.DataFrame(
        schema={
            "item_id": pl.String,
            "title": pl.String,
            "categories": pl.List(pl.String),
            "extra": pl.String,
            "row": pl.Int64,
        }
    )
