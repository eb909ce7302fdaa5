"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.data.readers.values.times import to_seconds

SECOND = 1391126400  # 2014-01-31 00:00:00 UTC


@pytest.mark.parametrize(
    "text",
    [
        "1391126400",
        " 1391126400 ",
        "1391126400.0",
        "1391126400.9",
        "1.3911264e9",
        "2014-01-31",
        "20140131T000000",
        "2014-01-31T00:00:00Z",
        "2014-01-31 01:00:00+01:00",
        "2014-01-31 00:00:00.750",
    ],
)
def test_texts(text):
    seconds, unit = to_seconds(pl.Series([text]))
    assert (seconds.to_list(), unit) == ([SECOND], None)


@pytest.mark.parametrize(
    "text", ["", "soon", "31.01.2014", "01/31/2014", "2014-13-01", "nan", "inf", "1e30", "12-"]
)
def test_unreadable_texts_become_null(text):
    assert to_seconds(pl.Series([text, str(SECOND)]))[0].to_list() == [None, SECOND]


@pytest.mark.parametrize(
    ("factor", "unit"), [(10**3, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
def test_units_are_told_by_magnitude(factor, unit):
    values = [SECOND * factor + factor // 2, (SECOND + 1) * factor]
    for series in (pl.Series(values), pl.Series([str(value) for value in values])):
        seconds, said = to_seconds(series)
        assert (seconds.to_list(), said) == ([SECOND, SECOND + 1], unit)


def test_typed_columns():
    east = timezone(timedelta(hours=2))
    for value in (
        date(2014, 1, 31),
        datetime(2014, 1, 31),
        datetime(2014, 1, 31, 2, tzinfo=east).astimezone(UTC),
        float(SECOND),
        SECOND,
    ):
        assert to_seconds(pl.Series([value, None]))[0].to_list() == [SECOND, None]
    assert to_seconds(pl.Series([float("nan"), -1.5]))[0].to_list() == [None, -2]
    assert to_seconds(pl.Series([datetime(1969, 12, 31, 23, 59, 58, 500_000)]))[0][0] == -2


@given(st.lists(st.integers(0, 10**11 - 1), min_size=1), st.randoms())
def test_every_second_survives_in_any_order(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert to_seconds(pl.Series([str(value) for value in shuffled]))[0].to_list() == shuffled
