"""Times as people and programs write them: read exactly, or named."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.data.readers.values.dates import order_of, read_date
from store.data.readers.values.times import read_times, unfit_time_type

SECOND = 1391126400  # 2014-01-31 00:00:00 UTC
EVENING = SECOND + 17 * 3600 + 5 * 60


def seconds(values, order=None) -> list[int | None]:
    return read_times(pl.Series(values), order).seconds.to_list()


def faulty(values) -> list[bool]:
    faults = read_times(pl.Series(values)).faults
    return [any(mask[row] for mask, _ in faults) for row in range(len(values))]


@pytest.mark.parametrize(
    "text",
    [
        "1391126400",
        " 1391126400 ",
        "1391126400.0",
        "1391126400.9",
        "1.3911264e9",
        "+1391126400",
        "2014-01-31",
        "20140131T000000",
        "20140131",
        "201401310000",
        "20140131000000",
        "2014-01-31T00:00:00Z",
        "2014-01-31t00:00:00z",
        "2014-01-31 00:00",
        "2014-01-31 01:00:00+01:00",
        "2014-01-31 01:00:00 +0100",
        "2014-01-31T01:00:00+01:00[Europe/Berlin]",
        "2014-01-31 00:00:00 UTC",
        "2014-01-31 00:00:00 +0000 UTC",
        "2014-01-31 00:00:00.750",
        "2014-01-30 24:00:00",
        "2014-01-30 23:59:60",
        "2014/1/31",
        "2014.01.31",
        "31.01.2014",
        "31.1.14",
        "1/31/2014",
        "01/31/2014 12:00 AM",
        "01-31-2014",
        "31 Jan 2014",
        "31-Jan-2014",
        "January 31, 2014",
        "Jan 31st, 2014",
        "31. Januar 2014",
        "31 janvier 2014",
        "31/Jan/2014:00:00:00 +0000",
        "Fri, 31 Jan 2014 00:00:00 GMT",
        "Fri Jan 31 00:00:00 2014",
        "Fri Jan 31 00:00:00 +0000 2014",
        "01 31, 2014",
        "2014-W05-5",
    ],
)
def test_one_moment_in_many_words(text):
    found = read_times(pl.Series([text]))
    assert (found.seconds.to_list(), found.faults) == ([SECOND], [])


@pytest.mark.parametrize(
    "text",
    [
        "31.01.2014 17:05",
        "01/31/2014 5:05 PM",
        "31/01/2014 05:05:00 p.m.",
        "Jan 31, 2014 at 5:05 pm",
        "31.01.2014 17:05 Uhr",
    ],
)
def test_times_of_day(text):
    assert seconds([text]) == [EVENING]


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2014-13-01",
        "2014-02-30",
        "20140230",
        "29.02.2014",
        "13/13/2014",
        "2014-01-31 25:00",
        "01/31/2014 13:05 PM",
        "2014-01-31 00:00:00 EST",
        "2014-01-31 00:00:00 America/New_York",
        "31.01.2014 soon",
        "17:05",
        "10.0.0.1",
        "nan",
        "inf",
        "1e30",
        "12-",
        "true",
        "5000000000",
        "0001-01-01",
        "9999-12-31",
    ],
)
def test_what_is_no_time_is_named(text):
    # 0.1.0 read 5000000000 as the year 2128, and 20140230 as the 22nd of August 1970.
    many = [text, str(SECOND), str(SECOND + 1), str(SECOND + 2)]
    assert seconds(many) == [None, SECOND, SECOND + 1, SECOND + 2]
    assert faulty(many) == [True, False, False, False]


def test_missing_times_are_not_faults():
    found = read_times(pl.Series(["", " ", None, str(SECOND)]))
    assert (found.seconds.to_list(), found.faults) == ([None, None, None, SECOND], [])


class TestNumbers:
    @pytest.mark.parametrize(
        ("factor", "unit"),
        [(1, None), (10**3, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")],
    )
    def test_units_are_told_by_magnitude_and_kept_exactly(self, factor, unit):
        # 0.1.0 cut milliseconds off, so that a user's last item was the one of the highest id.
        values = [SECOND * factor + factor // 2, (SECOND + 1) * factor]
        for series in (pl.Series(values), pl.Series([str(value) for value in values])):
            found = read_times(series)
            assert (found.seconds.to_list(), found.form) == ([SECOND, SECOND + 1], unit)
            parts = None if found.nanoseconds is None else found.nanoseconds.to_list()
            assert parts == (None if factor == 1 else [500_000_000, 0])

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (2014, "years"),
            (201401, "YYYYMM"),
            (20140131, "YYYYMMDD"),
            (201401310000, "YYYYMMDDhhmm"),
            (20140131000000, "YYYYMMDDhhmmss"),
            (20140131000000000, "milliseconds"),
            (16101, "days since 1970"),
            (41670, "spreadsheet"),
            (41670.0, "spreadsheet"),
            (2456688.5, "Julian"),
            (635267232000000000, ".NET"),
            (130355998000000000 + 2_000_000_000, "Windows"),
            (13035600000000000 + 0, "Chrome"),
        ],
    )
    def test_other_counts_are_recognised_and_said(self, value, words):
        # In 0.1.0 all of these were seconds, most of them of January 1970.
        found = read_times(pl.Series([value]))
        assert found.form is not None
        assert words in found.form
        assert datetime.fromtimestamp(found.seconds[0], UTC).year == 2014

    def test_a_day_with_its_part(self):
        assert seconds([41670.75]) == seconds(["41670.75"]) == [SECOND + 18 * 3600]

    def test_hours_only_where_they_cannot_be_seconds(self):
        assert seconds([2014013112]) == [SECOND + 12 * 3600]
        assert seconds([1577836800]) == [1577836800]

    def test_numbers_that_only_count_keep_their_order_with_a_note(self):
        found = read_times(pl.Series([5, 6, 7000]))
        assert found.seconds.to_list() == [5, 6, 7000]
        assert "too small for a date" in str(found.form)

    @pytest.mark.parametrize(
        "values",
        [
            [SECOND, SECOND + 1, (SECOND + 2) * 1000],
            [SECOND * 1000, SECOND * 1000 + 1, SECOND],
            [SECOND, SECOND + 1, 0],
            [20140131, 20140201, 0],
            [SECOND, SECOND + 1, SECOND * 10**9],
        ],
    )
    @pytest.mark.parametrize("kind", [pl.Int64, pl.String, pl.Float64])
    def test_the_minority_in_another_unit_is_named(self, values, kind):
        # 0.1.0 took three milliseconds among seconds for the year 51719.
        series = pl.Series(values).cast(kind)
        assert read_times(series).seconds.null_count() == 1
        assert faulty(series) == [False, False, True]

    def test_floats_to_the_microsecond(self):
        found = read_times(pl.Series([SECOND + 0.25, SECOND + 0.999999]))
        assert found.nanoseconds is not None
        assert found.nanoseconds.to_list() == [250_000_000, 999_999_000]
        assert read_times(pl.Series([float("nan"), -1.5])).seconds.to_list() == [None, -2]

    def test_texts_to_the_nanosecond(self):
        found = read_times(pl.Series([f"{SECOND}.000000001", f"{SECOND}.5", f"{SECOND}"]))
        assert found.seconds.to_list() == [SECOND] * 3
        assert found.nanoseconds is not None
        assert found.nanoseconds.to_list() == [1, 500_000_000, 0]

    @pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 2**64 - 1])
    def test_the_ends_of_the_range(self, value):
        assert seconds([value]) == [None]

    @given(st.lists(st.integers(1_000_000_000, 1_893_456_000), min_size=1), st.randoms())
    def test_every_second_survives_in_any_order(self, values, random):
        shuffled = list(values)
        random.shuffle(shuffled)
        assert seconds([str(value) for value in shuffled]) == shuffled


class TestDates:
    def test_day_and_month_are_told_by_the_other_dates(self):
        assert seconds(["01/02/2014", "31/01/2014"]) == [SECOND + 86400, SECOND]
        assert seconds(["02/01/2014", "01/31/2014"]) == [SECOND + 86400, SECOND]

    def test_dates_that_say_neither_are_named_until_the_user_says_it(self):
        ambiguous = ["01/02/2014", "03-04-2014"]
        found = read_times(pl.Series(ambiguous))
        assert found.seconds.null_count() == 2
        assert next(said for _, said in found.faults).endswith("(date_order)")
        assert seconds(ambiguous, "day-first")[0] == SECOND + 86400
        assert seconds(ambiguous, "month-first")[0] == SECOND - 29 * 86400

    def test_a_year_of_two_digits_may_be_the_first_number(self):
        assert order_of(["14/01/31"]) is None
        assert order_of(["31/01/97"]) == "day-first"

    def test_fractions(self):
        found = read_times(
            pl.Series(
                ["2014-01-31T00:00:00.123456789Z", "2014-01-31 00:00:00,5", "20140131T000000.25"]
            )
        )
        assert found.seconds.to_list() == [SECOND] * 3
        assert found.nanoseconds is not None
        assert found.nanoseconds.to_list() == [123_456_789, 500_000_000, 250_000_000]

    def test_years_away_from_the_others(self):
        values = ["2014-01-31", "2014-02-01", "1914-02-01", "2099-01-01"]
        assert faulty(values) == [False, False, True, True]

    def test_numbers_and_dates_in_one_column(self):
        assert seconds([str(SECOND), "2014-01-31"]) == [SECOND, SECOND]

    @given(st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)))
    def test_iso_dates_as_python_reads_them(self, moment):
        wanted = moment.replace(tzinfo=UTC)
        for text in (moment.isoformat(), moment.isoformat(" "), moment.isoformat() + "Z"):
            found = read_times(pl.Series([text]))
            parts = 0 if found.nanoseconds is None else found.nanoseconds[0]
            whole = wanted.replace(microsecond=0).timestamp()
            assert (found.seconds[0], parts) == (whole, wanted.microsecond * 1000)

    @given(
        st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)).map(
            lambda d: d.replace(microsecond=0)
        )
    )
    def test_the_quick_way_and_the_slow_one_agree(self, moment):
        for form in ("%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%Y-%m-%d"):
            text = moment.strftime(form)
            slow = read_date(text, "month-first")
            quick = read_times(pl.Series([text]), "month-first").seconds[0]
            assert slow is not None
            assert slow.seconds == quick

    @given(st.text(max_size=30))
    def test_no_text_breaks_it(self, text):
        read_times(pl.Series([text.encode("utf-8", "replace").decode()]))


def test_typed_columns():
    east = timezone(timedelta(hours=2))
    for value in (
        date(2014, 1, 31),
        datetime(2014, 1, 31),
        datetime(2014, 1, 31, 2, tzinfo=east).astimezone(UTC),
        float(SECOND),
        SECOND,
    ):
        assert seconds([value, None]) == [SECOND, None]
    found = read_times(pl.Series([datetime(1969, 12, 31, 23, 59, 58, 500_000)]))
    assert found.seconds.to_list() == [-2]
    assert found.nanoseconds is not None
    assert found.nanoseconds.to_list() == [500_000_000]
    for unit in ("ms", "us", "ns"):
        typed = pl.Series([datetime(2014, 1, 31, 0, 0, 0, 7000)], dtype=pl.Datetime(unit))
        parts = read_times(typed).nanoseconds
        assert parts is not None
        assert parts.to_list() == [7_000_000]


def test_columns_that_hold_no_times():
    for values in ([[1]], [{"a": 1}], [timedelta(1)], [time(1)], [True], [b"x"]):
        assert unfit_time_type(pl.Series(values).dtype) is not None
    assert unfit_time_type(pl.String()) is None
    objects = pl.Series([datetime(2014, 1, 31), UUID(int=0), None], dtype=pl.Object)
    assert read_times(objects).seconds.to_list() == [SECOND, None, None]
