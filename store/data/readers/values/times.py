"""Times in any usual form → int64 unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

UNITS = (
    (10**17, 10**9, "nanoseconds"),
    (10**14, 10**6, "microseconds"),
    (10**11, 10**3, "milliseconds"),
)
"""Median magnitude from which a number counts as this unit; 10^11 seconds is the year 5138."""


def to_seconds(values: pl.Series) -> tuple[pl.Series, str | None]:
    """Convert times to unix seconds.

    Parameters
    ----------
    values
        Numbers (unix time), dates, or text that holds either; ISO 8601 for dates. Without a time
        zone they count as UTC.

    Returns
    -------
    seconds
        Int64 ``[rows]``, null where the value is null or cannot be read.
    unit
        The unit that was assumed where it is not seconds: it is one for the whole column, chosen
        by the median, so that it does not depend on the order of rows (our choice).
    """
    kind = values.dtype
    if kind == pl.Date or kind == pl.Datetime:
        return values.dt.epoch("s").cast(pl.Int64), None
    if kind.is_float():
        return _scale(_whole(values))
    if kind.is_integer():
        return _scale(values.cast(pl.Int64, strict=False))
    texts = values.cast(pl.String, strict=False).str.strip_chars()
    numbers = texts.cast(pl.Int64, strict=False)
    if numbers.null_count() > texts.null_count():
        numbers = numbers.zip_with(
            numbers.is_not_null(), _whole(texts.cast(pl.Float64, strict=False))
        )
    seconds, unit = _scale(numbers)
    if seconds.null_count() > texts.null_count():
        seconds = seconds.zip_with(seconds.is_not_null(), _from_dates(texts, seconds.is_null()))
    return seconds, unit


def _whole(values: pl.Series) -> pl.Series:
    """Round down; what is not finite or not in the range of int64 becomes null."""
    fits = values.is_finite() & (values.abs() < 2.0**63)
    return values.set(~fits.fill_null(value=False), None).floor().cast(pl.Int64, strict=False)


def _scale(numbers: pl.Series) -> tuple[pl.Series, str | None]:
    middle = numbers.cast(pl.Float64).abs().median()
    if not isinstance(middle, (int, float)):
        return numbers, None
    for least, factor, unit in UNITS:
        if middle >= least:
            return numbers // factor, unit
    return numbers, None


def _from_dates(texts: pl.Series, wanted: pl.Series) -> pl.Series:
    """Read the ISO dates among the wanted texts, each distinct text once."""
    distinct = texts.filter(wanted).drop_nulls().unique().to_list()
    seconds = {text: _iso_seconds(text) for text in distinct}
    found = {text: second for text, second in seconds.items() if second is not None}
    if not found:
        return pl.Series(values=[None] * len(texts), dtype=pl.Int64)
    return texts.replace_strict(found, default=None, return_dtype=pl.Int64)


def _iso_seconds(text: str) -> int | None:
    if len(text) < 8 or not text[:4].isdigit():
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() // 1)
