"""Numbers as times: which unit a column is in, or whether its numbers are written dates.

The forms hardly overlap where times lie between 1990 and 2100, so that a column says by itself
what it is. One form is chosen for a whole column, that of most of its numbers, so that it does not
depend on the order of rows. Numbers that no form covers stay unread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

BILLION = 10**9
DAY = 86_400
EARLY = 631_152_000
"""1990 in unix seconds: smaller numbers are no times of a log, unless they only count."""
LATE = 4_102_444_800
"""2100 in unix seconds."""

COUNTED = (
    "seconds since 1970, although they are too small for a date: they give the order of"
    " interactions, not their days"
)
NEARLY_ALL = 0.94
"""Share of a column for forms that other numbers fit by chance, such as years."""
_DAYS_OF_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


@dataclass(frozen=True)
class Numbers:
    """Numbers of one column, exactly.

    Attributes
    ----------
    whole
        int64 ``[n]``, rounded down.
    billionths
        int64 ``[n]``, what remains, in 10^-9.
    """

    whole: Int64
    billionths: Int64


@dataclass(frozen=True)
class Moments:
    """Numbers as times.

    Attributes
    ----------
    seconds
        int64 ``[n]``, unix seconds.
    nanoseconds
        int64 ``[n]``, 0 to 999,999,999.
    read
        Bool ``[n]``: where False, the number is no time of this form.
    form
        What the numbers were taken for; None for unix seconds.
    """

    seconds: Int64
    nanoseconds: Int64
    read: Mask
    form: str | None


Convert = Callable[[Numbers], tuple[Int64, Int64]]
Valid = Callable[[Numbers], Mask]


@dataclass(frozen=True)
class _Form:
    """A way of writing times as numbers: those from ``low`` up to ``high`` for which it holds.

    It is taken where more than ``share`` of the numbers of a column are such.
    """

    words: str | None
    low: int
    high: int
    convert: Convert
    valid: Valid | None = None
    share: float = 0.5

    def holds(self, numbers: Numbers) -> Mask:
        inside = (numbers.whole >= self.low) & (numbers.whole < self.high)
        if self.valid is None:
            return inside
        return inside & self.valid(numbers)


def read_numbers(numbers: Numbers) -> Moments:
    """Take the numbers of a column for times, all in the form of most of them."""
    form = _form_of(numbers)
    if form is None:
        nothing = np.zeros(len(numbers.whole), dtype=np.int64)
        return Moments(nothing, nothing, np.zeros(len(nothing), dtype=bool), None)
    read = form.holds(numbers)
    if read.all():
        return Moments(*form.convert(numbers), read, form.words)
    kept = Numbers(np.where(read, numbers.whole, 0), np.where(read, numbers.billionths, 0))
    seconds, nanoseconds = form.convert(kept)
    return Moments(np.where(read, seconds, 0), np.where(read, nanoseconds, 0), read, form.words)


def _form_of(numbers: Numbers) -> _Form | None:
    """The form of most numbers."""
    count = len(numbers.whole)
    if not count:
        return None
    middle = int(np.partition(numbers.whole, count // 2)[count // 2])
    for form in _EXACT:
        # Where nearly all numbers are in the range of a form, the middle one is.
        if form.low <= middle < form.high and _fits(form, numbers) > form.share * count:
            return form
    best, most = None, 0
    for form in _UNITS:
        fits = _fits(form, numbers)
        if fits > most:
            best, most = form, fits
    return best


def _fits(form: _Form, numbers: Numbers) -> int:
    return int(np.count_nonzero(form.holds(numbers)))


def _unit(factor: int) -> Convert:
    """Of units of which ``factor`` are a second."""

    def convert(numbers: Numbers) -> tuple[Int64, Int64]:
        if factor == 1:
            return numbers.whole, numbers.billionths
        seconds, rest = np.divmod(numbers.whole, factor)
        return seconds, (rest * BILLION + numbers.billionths) // factor

    return convert


def _since(epoch: int, factor: int) -> Convert:
    """Of units of which ``factor`` are a second, counted from ``epoch`` (unix seconds)."""

    def convert(numbers: Numbers) -> tuple[Int64, Int64]:
        seconds, nanoseconds = _unit(factor)(numbers)
        return seconds + epoch, nanoseconds

    return convert


def _days_since(epoch_day: float) -> Convert:
    """Of days counted from ``epoch_day`` (in days since 1970), to the nearest second."""

    def convert(numbers: Numbers) -> tuple[Int64, Int64]:
        part = np.rint((numbers.billionths / BILLION + epoch_day % 1) * DAY).astype(np.int64)
        seconds = (numbers.whole + int(epoch_day // 1)) * DAY + part
        return seconds, np.zeros_like(seconds)

    return convert


def _calendar(parts: str) -> tuple[Convert, Valid]:
    """Of digits that write a date: ``Y4M2D2h2m2s2f3`` and the like, from left to right."""
    places = [(parts[i], int(parts[i + 1])) for i in range(0, len(parts), 2)]

    def fields(numbers: Numbers) -> dict[str, Int64]:
        found: dict[str, Int64] = {}
        rest = numbers.whole
        for name, width in reversed(places):
            found[name] = rest % 10**width
            rest = rest // 10**width
        return found

    def valid(numbers: Numbers) -> Mask:
        found = fields(numbers)
        month = found.get("M", np.ones_like(numbers.whole))
        good = (found["Y"] >= 1900) & (found["Y"] <= 2100) & (month >= 1) & (month <= 12)
        good &= numbers.billionths == 0
        if "D" in found:
            good &= (found["D"] >= 1) & (found["D"] <= _last_day(found["Y"], month))
        for name, end in (("h", 24), ("m", 60), ("s", 60)):
            if name in found:
                good &= found[name] < end
        return np.asarray(good)

    def convert(numbers: Numbers) -> tuple[Int64, Int64]:
        found = fields(numbers)
        one = np.ones_like(numbers.whole)
        year = np.clip(found["Y"], 1, 9999)
        days = days_from_date(year, np.clip(found.get("M", one), 1, 12), found.get("D", one))
        seconds = days * DAY
        for name, factor in (("h", 3600), ("m", 60), ("s", 1)):
            seconds = seconds + found.get(name, 0 * one) * factor
        return seconds, found.get("f", 0 * one) * 10**6

    return convert, valid


def _last_day(year: Int64, month: Int64) -> Int64:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days: Int64 = _DAYS_OF_MONTH[np.clip(month, 0, 12)] + ((month == 2) & leap)
    return days


def days_from_date(year: Int64, month: Int64, day: Int64) -> Int64:
    """Days since 1970 of dates of the Gregorian calendar."""
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    return months.astype("datetime64[D]").astype(np.int64) + day - 1


def _written(words: str, parts: str, share: float = 0.5) -> _Form:
    convert, valid = _calendar(parts)
    digits = sum(int(width) for width in parts[1::2]) - 4
    return _Form(words, 1900 * 10**digits, 2101 * 10**digits, convert, valid, share)


def _hours() -> _Form:
    """``YYYYMMDDhh``, which is a second of the year 2033 too: only where that is to come."""
    convert, valid = _calendar("Y4M2D2h2")

    def to_come(numbers: Numbers) -> Mask:
        return np.asarray((numbers.whole > int(time.time()) + DAY) & valid(numbers))

    return _Form(
        "dates written YYYYMMDDhh", 1900 * 10**6, 2101 * 10**6, convert, to_come, NEARLY_ALL
    )


def _is_whole(numbers: Numbers) -> Mask:
    return np.asarray(numbers.billionths == 0)


_EXACT = (
    _written("years", "Y4", NEARLY_ALL),
    _written("months written YYYYMM", "Y4M2", NEARLY_ALL),
    _written("dates written YYYYMMDD", "Y4M2D2"),
    _hours(),
    _written("dates written YYYYMMDDhhmm", "Y4M2D2h2m2"),
    _written("dates written YYYYMMDDhhmmss", "Y4M2D2h2m2s2"),
    _written("dates written YYYYMMDDhhmmss and milliseconds", "Y4M2D2h2m2s2f3"),
    _Form("days since 1970", 7_305, 32_874, _days_since(0), None, NEARLY_ALL),
    _Form(
        "days of a spreadsheet (since 1900)", 32_874, 73_051, _days_since(-25_569), None, NEARLY_ALL
    ),
    _Form("Julian days", 2_447_892, 2_488_070, _days_since(-2_440_587.5), None, NEARLY_ALL),
    _Form(
        "microseconds since 1601 (Chrome)",
        12_275_712 * 10**9,
        15_747_264 * 10**9,
        _since(-11_644_473_600, 10**6),
    ),
    _Form(
        "100 nanoseconds since 1601 (Windows)",
        122_757_120 * 10**9,
        157_472_640 * 10**9,
        _since(-11_644_473_600, 10**7),
        _is_whole,
    ),
    _Form(
        "100 nanoseconds since the year 1 (.NET)",
        627_667_488 * 10**9,
        662_380_416 * 10**9,
        _since(-62_135_596_800, 10**7),
        _is_whole,
    ),
)
"""Forms that are tried before the units, in whose ranges they lie."""

_UNITS = (
    _Form(None, EARLY, LATE, _unit(1)),
    _Form("milliseconds", 10**11, LATE * 10**3, _unit(10**3)),
    _Form("microseconds", 10**14, LATE * 10**6, _unit(10**6)),
    _Form("nanoseconds", 10**17, LATE * 10**9, _unit(10**9)),
    _Form(COUNTED, -EARLY, EARLY, _unit(1)),
)
