"""Columns under other names: what the columns of a file may hold, by their names and values."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import cache

import polars as pl

from store.data.readers.base.raw_data import ROW
from store.data.readers.columns.usual_names import USUAL
from store.data.readers.text.header import folded
from store.data.readers.values.numbers import COUNTED
from store.data.readers.values.times import read_times, unfit_time_type

SAMPLE = 1000
"""Rows that are looked at."""

_NEAR = 0.78


@cache
def usual_names(role: str) -> tuple[str, ...]:
    """Usual names of a role, folded, in the order of trust."""
    return tuple(folded(name) for name in USUAL[role].split())


@cache
def known_names() -> frozenset[str]:
    """All usual names, folded: a line with one of them is a header."""
    return frozenset(name for role in USUAL for name in usual_names(role))


def find_column(role: str, table: pl.DataFrame, taken: frozenset[str] = frozenset()) -> str | None:
    """Column of a table that holds what a role needs, by its name and, for times, its values.

    Parameters
    ----------
    taken
        Columns that hold something else.
    """
    names = {name: folded(name) for name in table.columns if name != ROW and name not in taken}
    found = [name for usual in usual_names(role) for name in names if names[name] == usual]
    found += [
        name
        for usual in usual_names(role)
        for name in names
        if len(usual) > 3 and (names[name].startswith(usual) or names[name].endswith(usual))
    ]
    near = ((_likeness(role, plain), name) for name, plain in names.items())
    found += [name for likeness, name in sorted(near, reverse=True) if likeness >= _NEAR]
    return next((name for name in found if _fits(role, table[name].head(SAMPLE))), None)


def find_columns(
    roles: Sequence[str], table: pl.DataFrame, taken: frozenset[str]
) -> dict[str, str]:
    """Columns that hold what several roles need, each for one of them.

    Where a file names no columns, times are told by their values; of the others the first two that
    could be ids are proposed, users before items.

    Parameters
    ----------
    roles
        ``user``, ``item``, ``time``, ``title`` or ``categories``.
    table
        The file as a table; names and values count.
    taken
        Columns that are known to be something else.

    Returns
    -------
    dict
        Role → column, for the roles that a column was found for.
    """
    found: dict[str, str] = {}
    numbered = is_numbered([name for name in table.columns if name != ROW])
    for role in sorted(roles, key=["time", "user", "item", "title", "categories"].index):
        left = taken | set(found.values())
        name = _by_values(role, table, left) if numbered else find_column(role, table, left)
        if name is not None:
            found[role] = name
    return found


def is_numbered(names: Sequence[str]) -> bool:
    """Whether columns are numbered because the file does not name them."""
    return list(names) == [str(place) for place in range(1, len(names) + 1)]


def _by_values(role: str, table: pl.DataFrame, taken: frozenset[str]) -> str | None:
    names = [name for name in table.columns if name != ROW and name not in taken]
    if role == "time":
        return next((name for name in names if _are_times(table[name].head(SAMPLE))), None)
    if role not in ("user", "item"):
        return None
    return next((name for name in names if not _is_rating(table[name].head(SAMPLE))), None)


def _are_times(values: pl.Series) -> bool:
    times = read_times(values)
    return not times.faults and times.form != COUNTED and times.seconds.null_count() == 0


def _is_rating(values: pl.Series) -> bool:
    found = numbers(values)
    return not found.null_count() and bool((found.abs() <= 10).all())


def _likeness(role: str, name: str) -> float:
    return max(SequenceMatcher(None, usual, name).ratio() for usual in usual_names(role))


def _fits(role: str, values: pl.Series) -> bool:
    """Whether the values can be what the role needs."""
    if not len(values) - values.null_count():
        return False
    if role == "time":
        if unfit_time_type(values.dtype) is not None:
            return False
        times = read_times(values)
        read = len(values) - times.seconds.null_count()
        ambiguous = any("date_order" in said for _, said in times.faults)
        return ambiguous or read * 2 > len(values) - values.null_count()
    if role in ("rating", "quantity"):
        return numbers(values).null_count() * 2 < len(values)
    if role in ("title", "categories"):  # numbers are keys of another table, not words
        return not isinstance(values.dtype, pl.Struct) and bool(
            (numbers(values).is_null() & values.is_not_null()).any()
        )
    return not isinstance(values.dtype, pl.Struct)


def numbers(values: pl.Series) -> pl.Series:
    """Numbers of a column, Float64, null where there is none; a decimal comma counts as a point."""
    if values.dtype.is_numeric():
        return values.cast(pl.Float64, strict=False).fill_nan(None)
    if isinstance(values.dtype, pl.List | pl.Array | pl.Struct) or values.dtype == pl.Object:
        return pl.repeat(None, len(values), dtype=pl.Float64, eager=True)
    texts = values.cast(pl.String, strict=False).str.strip_chars()
    texts = texts.str.replace(r"^(-?\d+),(\d+)$", "$1.$2")
    return texts.cast(pl.Float64, strict=False).fill_nan(None)
