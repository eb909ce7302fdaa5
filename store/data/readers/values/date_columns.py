"""Whole columns of dates written in numbers: ISO 8601, and with points, slashes or dashes."""

from __future__ import annotations

import polars as pl

from store.data.readers.base.choices import DateOrder
from store.data.readers.values.dates import order_of
from store.data.readers.values.numbers import DAY

_CLOCK = (
    r"(?:(?:T|t|,? {1,3})(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9})\d*)?)?"
    r"(?: ?([AaPp])\.?[Mm]\.?)?(?: ?(?:[Zz]|UTC|GMT|([+-])(\d{2}):?(\d{2})?))?)?$"
)
_YEAR_FIRST = r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _CLOCK
_YEAR_LAST = r"^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})" + _CLOCK
_USUAL = {10: "%Y-%m-%d", 19: "%Y-%m-%d %H:%M:%S"}
"""Formats of most columns by the length of a text; quicker to read than any other."""


def read_written(texts: pl.Series, order: DateOrder | None = None) -> tuple[pl.Series, pl.Series]:
    """Read the dates of a column that are written in numbers.

    Parameters
    ----------
    order
        Of day and month in dates that do not say it; by default that of the column's other dates.

    Returns
    -------
    seconds
        Int64 ``[rows]``, unix seconds, null where a text is no such date.
    nanoseconds
        Int64 ``[rows]``.
    """
    seconds = _usual(texts)
    nanoseconds = pl.repeat(0, len(texts), dtype=pl.Int64, eager=True)
    for pattern in (_YEAR_FIRST, _YEAR_LAST):
        left = texts.set(seconds.is_not_null(), None)
        if not bool(left.str.contains(pattern).fill_null(False).any()):
            continue
        read, part = _read(left, pattern, order)
        mine = read.is_not_null()
        seconds, nanoseconds = seconds.zip_with(~mine, read), nanoseconds.zip_with(~mine, part)
    return seconds, nanoseconds.fill_null(0)


def _usual(texts: pl.Series) -> pl.Series:
    """Read the most frequent formats, which polars reads many times as fast as a pattern."""
    lengths = texts.str.len_bytes()
    out = pl.Series(values=[None], dtype=pl.Int64).new_from_index(0, len(texts))
    for length, form in _USUAL.items():
        of_length = lengths == length
        if not of_length.any():
            continue
        mine = texts.set(~of_length.fill_null(False), None)
        if length == 19:
            mine = mine.str.replace("T", " ", literal=True)
        read = mine.str.to_datetime(form, strict=False, time_unit="us", time_zone=None)
        read = read.set((read.dt.year() < 1).fill_null(False), None)
        out = out.zip_with(read.is_null(), read.dt.epoch("s"))
    return out


def _read(texts: pl.Series, pattern: str, order: DateOrder | None) -> tuple[pl.Series, pl.Series]:
    groups = texts.str.extract_groups(pattern).struct.unnest()
    columns = [groups.to_series(place) for place in range(groups.width)]
    if pattern is _YEAR_FIRST:
        year, month, day = columns[:3]
        clock = columns[3:]
    else:
        first, mark, second, year = columns[:4]
        clock = columns[4:]
        if order is None:
            order = order_of(texts.filter(mark.is_in(["-", "/"]).fill_null(False)).unique())
        pointed = (mark == ".").fill_null(False)
        day_first = pointed | pl.repeat(order == "day-first", len(texts), eager=True)
        day, month = first.zip_with(day_first, second), second.zip_with(day_first, first)
        if order is None:
            day = day.set(~pointed, None)
    return _assemble(year, month, day, clock)


def _assemble(
    year: pl.Series, month: pl.Series, day: pl.Series, clock: list[pl.Series]
) -> tuple[pl.Series, pl.Series]:
    """Seconds and nanoseconds of date and time fields; null where there is no such time."""
    hour, minute, second, part, half, sign, zone_hour, zone_minute = clock
    fields = pl.DataFrame(
        {
            "year": year.cast(pl.Int32),
            "month": month.cast(pl.Int8),
            "day": day.cast(pl.Int8),
            "hour": hour.cast(pl.Int64).fill_null(0),
            "minute": minute.cast(pl.Int64).fill_null(0),
            "second": second.cast(pl.Int64).fill_null(0),
            "half": half.str.to_lowercase(),
            "sign": sign,
            "zone": zone_hour.cast(pl.Int64).fill_null(0) * 3600
            + zone_minute.cast(pl.Int64).fill_null(0) * 60,
        }
    )
    col = pl.col
    twelve = col("half").is_not_null()
    good = (
        col("month").is_between(1, 12)
        & (col("year") >= 1)
        & col("day").is_between(1, 31)
        & (col("minute") < 60)
        & (col("second") < 60)
        & (col("zone") <= 18 * 3600)
        & pl.when(twelve).then(col("hour").is_between(1, 12)).otherwise(col("hour") < 24)
    ).fill_null(False)
    afternoon = pl.when(col("half") == "p").then(12).otherwise(0)
    offset = pl.when(col("sign") == "-").then(-col("zone")).otherwise(col("zone"))
    kept = fields.with_columns(
        pl.when(good).then(col("year")).otherwise(2000).alias("year"),
        pl.when(good).then(col("month")).otherwise(1).alias("month"),
        pl.when(good).then(col("day")).otherwise(1).alias("day"),
        good.alias("good"),
        pl.when(twelve).then(col("hour") % 12 + afternoon).otherwise(col("hour")).alias("hour"),
        offset.alias("offset"),
    ).with_columns(first=pl.date("year", "month", 1))
    seconds = kept.select(
        pl.when(col("good") & (col("day") <= col("first").dt.month_end().dt.day()))
        .then(
            (col("first").cast(pl.Int64) + col("day").cast(pl.Int64) - 1) * DAY
            + col("hour") * 3600
            + col("minute") * 60
            + col("second")
            - col("offset")
        )
        .otherwise(None)
    ).to_series()
    return seconds, part.str.pad_end(9, "0").cast(pl.Int64).fill_null(0)
