"""Times in any usual form → unix seconds and nanoseconds of the second."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from store.data.readers.base.choices import DateOrder
from store.data.readers.values.date_columns import read_written
from store.data.readers.values.dates import is_ambiguous, order_of, read_date
from store.data.readers.values.ids import unfit_type
from store.data.readers.values.numbers import DAY, EARLY, LATE, Moments, Numbers, read_numbers

FAR = 40 * 365 * DAY
"""Seconds from the middle of a column beyond which a time is an error."""

_OLD = -70 * 365 * DAY
"""1900: no log is older."""

_FIRST = 365 * DAY
"""1971: earlier times are a zero, or another unit, where most are of our days."""

_UNREAD = "{value} is not a time; give unix seconds or an ISO date such as 2014-01-31"
_NO_UNIT = "{value} is no unix time in any unit; give unix seconds or dates"
_OTHER_UNIT = "{value} is no time in the form of most of this column, which is {form}"
_AMBIGUOUS = "{value} says neither its day nor its month; say which comes first (date_order)"
_FAR = "{value} is years away from the other times of this column, or from any log"


@dataclass(frozen=True)
class Times:
    """One column of times.

    Attributes
    ----------
    seconds
        Int64 ``[rows]``, null where there is none or it cannot be used.
    nanoseconds
        Int64 ``[rows]``, 0 to 999,999,999; None where no time has a fraction of a second.
    form
        What was assumed, where it is not unix seconds or ISO dates.
    faults
        Bool ``[rows]`` and what is wrong with these rows; ``{value}`` stands for the value.
    """

    seconds: pl.Series
    nanoseconds: pl.Series | None
    form: str | None = None
    faults: list[tuple[pl.Series, str]] = field(default_factory=list)


def unfit_time_type(dtype: pl.DataType) -> str | None:
    """Name what a column holds where none of it can be a time; None where it can."""
    if dtype == pl.Duration:
        return "durations, which have no beginning"
    if dtype == pl.Time:
        return "times of day without a date"
    if dtype == pl.Boolean:
        return "true and false"
    if dtype == pl.Binary:
        return "bytes"
    return unfit_type(dtype)


def read_times(values: pl.Series, order: DateOrder | None = None) -> Times:
    """Read a column of times.

    Parameters
    ----------
    values
        Numbers (unix time in any unit and other usual counts, see
        :mod:`store.data.readers.values.numbers`), dates, or text that holds either. Without a time
        zone they count as UTC.
    order
        Of day and month in dates that do not say it.
    """
    dtype = values.dtype
    if dtype == pl.Date or dtype == pl.Datetime:
        moments = values if dtype == pl.Datetime else values.cast(pl.Datetime("us"))
        return _judged(moments.dt.epoch("s").cast(pl.Int64), moments.dt.nanosecond(), None, [])
    if dtype.is_numeric() and not dtype.is_decimal():
        return _from_numbers(values)
    if dtype == pl.Object:
        values = pl.Series([_as_text(value) for value in values.to_list()], dtype=pl.String)
    return _from_texts(values.cast(pl.String, strict=False).str.strip_chars(), order)


def _as_text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _from_numbers(values: pl.Series) -> Times:
    if values.dtype.is_float():
        values = values.fill_nan(None)
        whole, billionths = _split_floats(values)
    else:
        whole = values.cast(pl.Int64, strict=False)
        billionths = pl.repeat(0, len(values), dtype=pl.Int64, eager=True)
    found = _read(whole, billionths)
    given = values.is_not_null()
    faults = [*_number_faults(found, whole), (given & whole.is_null(), _NO_UNIT)]
    return _judged(found.seconds, found.nanoseconds, found.form, faults)


def _from_texts(texts: pl.Series, order: DateOrder | None) -> Times:
    given = (texts != "").fill_null(False)
    whole = texts.cast(pl.Int64, strict=False)
    billionths = pl.repeat(0, len(texts), dtype=pl.Int64, eager=True)
    if whole.null_count() > len(texts) - int(given.sum()):
        whole, billionths = _with_decimals(texts, whole, billionths)
    found = _read(whole, billionths)
    faults = _number_faults(found, whole)
    seconds, nanoseconds, form = found.seconds, found.nanoseconds, found.form
    rest = given & whole.is_null()
    if rest.any():
        dates, parts, unread = _from_dates(texts, rest, order)
        seconds = seconds.zip_with(~rest, dates)
        nanoseconds = nanoseconds.zip_with(~rest, parts)
        faults += unread
    return _judged(seconds, nanoseconds, form, faults)


@dataclass(frozen=True)
class _Found:
    seconds: pl.Series
    nanoseconds: pl.Series
    form: str | None
    any_read: bool


def _read(whole: pl.Series, billionths: pl.Series) -> _Found:
    """Read the numbers that are not null."""
    there = whole.is_not_null()
    kept = Numbers(whole.drop_nulls().to_numpy(), billionths.filter(there).to_numpy())
    found: Moments = read_numbers(kept)
    if there.all():
        seconds = pl.Series(found.seconds)
        if not found.read.all():
            seconds = seconds.set(pl.Series(~found.read), None)
        return _Found(seconds, pl.Series(found.nanoseconds), found.form, bool(found.read.any()))
    places = np.flatnonzero(there.to_numpy())
    spread = np.zeros((2, len(whole)), dtype=np.int64)
    read = np.zeros(len(whole), dtype=bool)
    spread[0, places], spread[1, places] = found.seconds, found.nanoseconds
    read[places] = found.read
    seconds = pl.Series(spread[0]).set(pl.Series(~read), None)
    return _Found(seconds, pl.Series(spread[1]), found.form, bool(found.read.any()))


def _number_faults(found: _Found, whole: pl.Series) -> list[tuple[pl.Series, str]]:
    unread = whole.is_not_null() & found.seconds.is_null()
    if not found.any_read:
        return [(unread, _NO_UNIT)]
    return [(unread, _OTHER_UNIT.replace("{form}", found.form or "unix seconds"))]


def _split_floats(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Whole part, rounded down, and the rest in 10^-9, to the microsecond that a float holds."""
    fits = (values.is_finite() & (values.abs() < 2.0**63)).fill_null(False)
    values = values.cast(pl.Float64).set(~fits, None)
    floor = values.floor()
    millionths = ((values - floor) * 1e6).round(0).cast(pl.Int64)
    full = (millionths >= 10**6).fill_null(False)
    whole = floor.cast(pl.Int64, strict=False) + full.cast(pl.Int64)
    return whole, (millionths.set(full, 0) * 1000).fill_null(0)


def _with_decimals(
    texts: pl.Series, whole: pl.Series, billionths: pl.Series
) -> tuple[pl.Series, pl.Series]:
    """Add the numbers with a point, digit by digit, and those with an exponent."""
    parts = texts.str.extract_groups(r"^\+?(\d{1,18})\.(\d{1,9})\d*$").struct.unnest()
    first, behind = parts.to_series(0).cast(pl.Int64), parts.to_series(1)
    exact = whole.is_null() & first.is_not_null()
    whole = whole.zip_with(~exact, first)
    billionths = billionths.zip_with(~exact, behind.str.pad_end(9, "0").cast(pl.Int64))
    floats = texts.set(whole.is_not_null(), None).cast(pl.Float64, strict=False)
    if floats.null_count() < len(floats):
        rest, part = _split_floats(floats)
        other = rest.is_not_null()
        whole, billionths = whole.zip_with(~other, rest), billionths.zip_with(~other, part)
    return whole, billionths.fill_null(0)


def _from_dates(
    texts: pl.Series, wanted: pl.Series, order: DateOrder | None
) -> tuple[pl.Series, pl.Series, list[tuple[pl.Series, str]]]:
    """Read the dates among the wanted texts: usual ones at once, the others text by text."""
    left = texts.set(~wanted, None)
    seconds, nanoseconds = read_written(left, order)
    rest = wanted & seconds.is_null()
    if not rest.any():
        return seconds, nanoseconds, []
    left = texts.set(~rest, None)
    distinct = left.drop_nulls().unique().to_list()
    order = order or order_of(distinct)
    found = {text: moment for text in distinct if (moment := read_date(text, order)) is not None}
    if found:
        for index, column in enumerate((seconds, nanoseconds)):
            values = {text: moment[index] for text, moment in found.items()}
            read = left.replace_strict(values, default=None, return_dtype=pl.Int64)
            column = column.zip_with(~rest, read)
            seconds, nanoseconds = (column, nanoseconds) if index == 0 else (seconds, column)
    unclear = [text for text in distinct if text not in found and is_ambiguous(text)]
    ambiguous = left.is_in(unclear if order is None else []).fill_null(False)
    unread = rest & seconds.is_null() & ~ambiguous
    return seconds, nanoseconds.fill_null(0), [(ambiguous, _AMBIGUOUS), (unread, _UNREAD)]


def _judged(
    seconds: pl.Series,
    nanoseconds: pl.Series,
    form: str | None,
    faults: list[tuple[pl.Series, str]],
) -> Times:
    """Find the times that lie far from the others; leave out fractions that are all zero."""
    far = _far(seconds)
    if far is not None:
        faults = [*faults, (far, _FAR)]
        seconds = seconds.set(far, None)
    faults = [(mask, said) for mask, said in faults if mask.any()]
    parts = nanoseconds.cast(pl.Int64).fill_null(0)
    fractional = bool((parts.filter(seconds.is_not_null()) != 0).any()) if parts.max() else False
    return Times(seconds, parts if fractional else None, form, faults)


def _far(seconds: pl.Series) -> pl.Series | None:
    """Rows whose time is no time of a log, or years away from the others; None where none is."""
    known = seconds.drop_nulls().to_numpy()
    if not len(known):
        return None
    middle = int(np.partition(known, len(known) // 2)[len(known) // 2])
    low = max(_OLD, middle - FAR, _FIRST if middle >= EARLY else _OLD)
    high = min(LATE, middle + FAR)
    if low <= known.min() and known.max() < high:
        return None
    return ((seconds < low) | (seconds >= high)).fill_null(False)
