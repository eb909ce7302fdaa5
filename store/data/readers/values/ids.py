"""Ids as text, by one rule for all readers.

An id is the text that stands there. A number that is whole is written without a point, whether it
came as 12, 12.0 or a decimal; in a text column the same holds where every id is a number, because
that is how a program writes whole numbers once a cell of the column was empty. JSON null, NaN and
empty text are no ids. Words such as ``NA`` are ids, but are noted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl

MISSING_WORDS = (
    "nan",
    "na",
    "n/a",
    "#n/a",
    "<na>",
    "nat",
    "null",
    "none",
    "nil",
    "\\n",
    "undefined",
    "unknown",
    "(null)",
    "-",
    "?",
)
"""Words, in lower case, that often stand for no id at all."""

_EXACT = 2**53
"""Whole numbers from here on are rounded where they are floats."""


@dataclass(frozen=True)
class Ids:
    """One column of ids.

    Attributes
    ----------
    texts
        String ``[rows]``, null where there is none.
    unusable
        Bool ``[rows]``: something is there that is no id, such as a list or infinity.
    notes
        What a reader should know, as ends of a sentence about the column.
    """

    texts: pl.Series
    unusable: pl.Series
    notes: list[str] = field(default_factory=list)


def unfit_type(dtype: pl.DataType) -> str | None:
    """Name what a column holds where none of it can be an id; None where it can."""
    if isinstance(dtype, pl.List | pl.Array):
        return "lists"
    if isinstance(dtype, pl.Struct):
        return "objects with fields"
    if dtype == pl.Duration:
        return "durations"
    if dtype == pl.Time:
        return "times of day"
    return None


def to_ids(values: pl.Series) -> Ids:
    """Bring ids of any type to text; types that :func:`unfit_type` names are not for it."""
    notes: list[str] = []
    unusable = pl.repeat(False, len(values), dtype=pl.Boolean, eager=True)
    dtype = values.dtype
    if dtype == pl.Object:
        found = [id_text(value) for value in values.to_list()]
        texts = pl.Series([text if isinstance(text, str) else None for text in found], dtype=TEXT)
        unusable = pl.Series([text is UNUSABLE for text in found], dtype=pl.Boolean)
    elif dtype == pl.Binary:
        texts, unusable = _from_bytes(values)
    elif dtype.is_float():
        texts, unusable = _from_floats(values, notes)
    elif dtype.is_decimal():
        texts = values.cast(TEXT).str.replace(r"(\.\d*?)0+$", "$1").str.replace(r"\.$", "")
    else:
        texts = values.cast(TEXT, strict=False)
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Object):
        texts = _without_points(texts, notes)
    texts = _without_empty(texts)
    _note_words(texts, notes)
    return Ids(texts, unusable, notes)


TEXT = pl.String


class _Unusable:
    """Type of :data:`UNUSABLE`."""


UNUSABLE = _Unusable()
"""What :func:`id_text` returns for a value that is no id."""


def id_text(value: Any) -> str | _Unusable | None:
    """Text of one id; None where it is missing, :data:`UNUSABLE` where it is no id."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return _number_text(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return UNUSABLE
    if hasattr(value, "item") and hasattr(value, "dtype"):  # a NumPy scalar
        return id_text(value.item()) if getattr(value, "ndim", 0) == 0 else UNUSABLE
    if isinstance(value, int | UUID):
        try:
            return str(value)
        except ValueError:  # more digits than Python writes
            return UNUSABLE
    return UNUSABLE


def _number_text(value: float | Decimal) -> str | _Unusable | None:
    if value != value:
        return None
    if not math.isfinite(value):
        return UNUSABLE
    return str(int(value)) if value == int(value) and abs(float(value)) < 1e300 else str(value)


def _from_bytes(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    try:
        texts = values.cast(TEXT)
    except pl.exceptions.PolarsError:
        found = [id_text(value) for value in values.to_list()]
        texts = pl.Series([text if isinstance(text, str) else None for text in found], dtype=TEXT)
    return texts, texts.is_null() & values.is_not_null()


def _from_floats(values: pl.Series, notes: list[str]) -> tuple[pl.Series, pl.Series]:
    values = values.fill_nan(None)
    infinite = values.is_infinite().fill_null(False)
    values = values.set(infinite, None)
    whole = (values.floor() == values) & (values.abs() < 2.0**63)
    large = int((values.abs() >= float(_EXACT)).sum() or 0)
    if large:
        notes.append(
            f"holds {large:,} ids from 2^53 on as floating-point numbers, whose last digits may"
            " be lost; store ids as text or whole numbers"
        )
    numbers = values.set(~whole.fill_null(False), None).cast(pl.Int64, strict=False)
    texts = numbers.cast(TEXT)
    if texts.null_count() > values.null_count():
        texts = texts.zip_with(texts.is_not_null(), values.cast(TEXT))
    return texts, infinite


def _without_points(texts: pl.Series, notes: list[str]) -> pl.Series:
    """Write 12.0 as 12 where all ids are numbers; note numbers that a spreadsheet cut short."""
    distinct = texts.unique().drop_nulls()
    if distinct.str.ends_with(".0").any() and distinct.str.contains(r"^-?\d+(\.\d+)?$").all():
        count = int(texts.str.ends_with(".0").sum())
        notes.append(f"holds {count:,} numbers such as 12.0, which were read as 12")
        texts = texts.str.replace(r"\.0+$", "")
    cut = distinct.filter(distinct.str.contains(r"^\d[.,]\d+E\+\d+$"))
    if len(cut):
        notes.append(
            f"holds numbers such as {cut[0]}, which a spreadsheet has cut short: different ids may"
            " have become one; export them as text"
        )
    return texts


def _without_empty(texts: pl.Series) -> pl.Series:
    """Take blank text for none."""
    distinct = texts.unique().drop_nulls()
    blank = distinct.filter(distinct.str.strip_chars() == "")
    return texts.set(texts.is_in(blank).fill_null(False), None) if len(blank) else texts


def _note_words(texts: pl.Series, notes: list[str]) -> None:
    distinct = texts.unique().drop_nulls().sort()
    words = distinct.filter(distinct.str.to_lowercase().is_in(MISSING_WORDS))
    if len(words):
        shown = ", ".join(repr(word) for word in words.head(3))
        count = int(texts.is_in(words).sum())
        notes.append(
            f"holds {count:,} ids such as {shown}, which were read as they stand; if they mean"
            " that there is none, leave these rows out"
        )
    blank = distinct.filter(distinct.str.contains(r"^\s|\s$"))
    if len(blank):
        count = int(texts.is_in(blank).sum())
        notes.append(
            f"holds {count:,} ids with blanks at an end, such as {blank[0]!r}, which were read as"
            " they stand"
        )
