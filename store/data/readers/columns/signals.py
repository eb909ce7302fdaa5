"""What rows say beside who, what and when: kinds of events, dislikes, refunds.

Every row counts as an interaction unless the user leaves it out. So what may not be meant as
interest is counted and noted, with the choice that would leave it out.
"""

from __future__ import annotations

from shlex import quote

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.columns.selection import selected_columns
from store.data.readers.columns.suggestions import find_column, numbers

_KINDS = 30
"""A column with more values than this holds no kinds of events."""

_SHOWN = 6


def note_signals(
    table: pl.DataFrame, used: frozenset[str], options: ReadOptions, file: str, problems: Problems
) -> None:
    """Note kinds of events, low ratings and negative quantities among the rows.

    Parameters
    ----------
    used
        Columns that hold something else.
    """
    used = used | frozenset(selected_columns(options))
    for role, note in (("event", _events), ("rating", _ratings), ("quantity", _quantities)):
        column = find_column(role, table, used)
        said = None if column is None else note(column, table[column])
        if said:
            problems.notes.append(f"{file}: {said}")


def _events(column: str, values: pl.Series) -> str | None:
    if values.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return None
    counts = values.cast(pl.String).drop_nulls().value_counts(sort=True, name="count")
    if not 1 < counts.height <= _KINDS:
        return None
    shown = ", ".join(f"{name} {count:,}" for name, count in counts.head(_SHOWN).iter_rows())
    more = ", …" if counts.height > _SHOWN else ""
    return (
        f"column {column} has {shown}{more}; all count as interactions;"
        f" keep={quote(f'{column}={counts.row(0)[0]}')} would keep the first alone"
    )


def _ratings(column: str, values: pl.Series) -> str | None:
    found = numbers(values).drop_nulls()
    low, high = found.min(), found.max()
    if not isinstance(low, float) or not isinstance(high, float) or not 1 < high <= 100:
        return None
    # The lower half of the scale, which begins at 0 or 1: 1 and 2 of 5 stars.
    middle = (high + (low if low <= 1 else 1)) / 2
    disliked = int((found < middle).sum())
    if not disliked:
        return None
    return (
        f"{disliked:,} of {len(found):,} ratings in column {column} are in the lower half of"
        f" {low:g} to {high:g}; all count as interactions; minimum="
        f"{quote(f'{column}={middle:g}')} would leave them out"
    )


def _quantities(column: str, values: pl.Series) -> str | None:
    negative = int((numbers(values) < 0).fill_null(False).sum())
    if not negative:
        return None
    return (
        f"{negative:,} rows have a negative number in column {column}, as refunds have; all count"
        f" as interactions; minimum={quote(f'{column}=0')} would leave them out"
    )
