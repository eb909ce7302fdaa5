"""Dates and times of day as people write them.

ISO 8601 is read for whole columns at once. Everything else goes through here text by text: dates
with points, slashes or names of months, twelve-hour clocks, zones. 01/02/2014 says by itself
neither the day nor the month; the other dates of the column may.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from store.data.readers.base.choices import DateOrder

BILLION = 10**9
_PIVOT = 70
"""Years of two digits from here on are of the 20th century."""

_MONTH_NAMES = (
    "jan january januar janvier enero ene",
    "feb february februar février fevrier févr fevr febrero",
    "mar march märz maerz mär mrz mars marzo",
    "apr april avril avr abril abr",
    "may mai mayo",
    "jun june juni juin junio",
    "jul july juli juillet juil julio",
    "aug august août aout agosto ago",
    "sep sept september septembre septiembre",
    "oct october oktober okt octobre octubre",
    "nov november novembre noviembre",
    "dec december dezember dez décembre decembre déc diciembre dic",
)
_MONTHS = {name: month for month, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
_WORDS = """
mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun
sunday montag mo dienstag di mittwoch mi donnerstag do freitag fr samstag sa sonntag so
um uhr at on the of de le del t
"""
_IGNORED = frozenset(_WORDS.split())
_TIME = re.compile(
    r"(?<![\d])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,:](\d{1,9})\d*)?)?(?:\s*([ap])\.?\s?m\b\.?)?",
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"\s*(?<![^\W\d_])(?:(?:UTC|GMT|Z)\s*)?(?:([+-])(\d{2}):?(\d{2})?(?!\d))?"
    r"(?:\s*\(?(?:UTC|GMT|Z|Coordinated Universal Time)\)?)?(?![^\W_])",
    re.IGNORECASE,
)
_WORD_ZONE = re.compile(r"\s*(?<![^\W_])(?:UTC|GMT|Z)$", re.IGNORECASE)
_REGION = re.compile(r"\[[A-Za-z_/+-]+\]$")
_CLOCK_WORDS = re.compile(r"\s*\b(?:uhr|at|um)\s*$", re.IGNORECASE)
_NUMERIC = re.compile(r"(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{1,4})\.?")
_AMERICAN = re.compile(r"(\d{1,2}) (\d{1,2}), (\d{4})")
_MONTH_ONLY = re.compile(r"(\d{4})[-/.](\d{1,2})")


class Moment(NamedTuple):
    """A point in time: unix seconds, and nanoseconds of that second."""

    seconds: int
    nanoseconds: int


def order_of(texts: Iterable[str]) -> DateOrder | None:
    """Tell from the dates of a column whether the day or the month comes first.

    Returns
    -------
    order
        That of most dates that say it; None where none does.
    """
    days, months = 0, 0
    for text in texts:
        found = _NUMERIC.search(text)
        if found is None or len(found[1]) > 2 or found[2] == ".":
            continue
        first, second, third = int(found[1]), int(found[3]), int(found[4])
        if second > 12:
            months += first <= 12
        elif first > 12:
            # With a year of two digits, 14/01/31 may begin with the year.
            days += len(found[4]) == 4 or third > 31
    if days == months:
        return None
    return "day-first" if days > months else "month-first"


def is_ambiguous(text: str) -> bool:
    """Whether a text is a date that says neither its day nor its month."""
    found = _NUMERIC.search(text)
    if found is None or len(found[1]) > 2 or found[2] == ".":
        return False
    first, second = int(found[1]), int(found[3])
    return 1 <= first <= 31 and 1 <= second <= 31


def read_date(text: str, order: DateOrder | None = None) -> Moment | None:
    """Read one date, with or without a time of day; without a zone it is UTC.

    Parameters
    ----------
    text
        Such as ``31.01.2014 17:05``, ``01/31/2014 5:05 PM``, ``Fri, 31 Jan 2014 17:05:00 GMT``.
    order
        Of day and month where they are separated by slashes or dashes; without it such a date is
        read only where the day comes after the twelfth.

    Returns
    -------
    moment
        None where the text is no date, or says neither day nor month.
    """
    text = _REGION.sub("", text.strip())
    found = _iso(text)
    if found is not None:
        return found
    clock = _TIME.search(text)
    if clock is None:
        zone: int | None = 0
        day, of_day = _WORD_ZONE.sub("", text), Moment(0, 0)
    else:
        behind, zone = _split_zone(text[clock.end() :])
        time = _time_of_day(clock)
        if zone is None or time is None:
            return None
        day, of_day = f"{text[: clock.start()]} {behind}", time
    date = _date(_CLOCK_WORDS.sub("", day).strip(" ,;:T"), order)
    if date is None or zone is None:
        return None
    return Moment(int(date.timestamp()) + of_day.seconds - zone, of_day.nanoseconds)


def _iso(text: str) -> Moment | None:
    if not text[:4].isascii() or not text[:4].isdigit() or len(text) < 8:
        return None
    whole, part = re.fullmatch(r"(.*?\d:?\d{2}:?\d{2})[.,](\d{1,9})\d*(.*)", text), 0
    if whole is not None and ":" in text:
        part = int(whole[2].ljust(9, "0"))
        text = whole[1] + whole[3]
    try:
        moment = datetime.fromisoformat(re.sub(r"\s*(?:z|UTC|GMT)$", "+00:00", text))
    except ValueError:
        return None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return Moment(int(moment.replace(microsecond=0).timestamp()), part or moment.microsecond * 1000)


def _split_zone(text: str) -> tuple[str, int | None]:
    """Cut a zone off what follows a time of day: the rest, and the zone's seconds east of UTC."""
    found = _ZONE.match(text)
    if found is None or not found[0].strip():
        return text, 0
    hours, minutes = int(found[2] or 0), int(found[3] or 0)
    if hours > 18 or minutes > 59:
        return text, None
    seconds = hours * 3600 + minutes * 60
    return text[found.end() :], -seconds if found[1] == "-" else seconds


def _time_of_day(found: re.Match[str]) -> Moment | None:
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    if found[5]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found[5].lower() == "p" else 0)
    if minute > 59 or second > 60 or hour > 24 or (hour == 24 and (minute or second)):
        return None
    return Moment(hour * 3600 + minute * 60 + second, int((found[4] or "0").ljust(9, "0")))


def _date(text: str, order: DateOrder | None) -> datetime | None:
    found = _NUMERIC.fullmatch(text)
    if found is not None:
        return _from_numbers(found[1], found[2], found[3], found[4], order)
    american = _AMERICAN.fullmatch(text)
    if american is not None:
        return _midnight(int(american[3]), int(american[1]), int(american[2]))
    only = _MONTH_ONLY.fullmatch(text)
    if only is not None:
        return _midnight(int(only[1]), int(only[2]), 1)
    return _from_words(re.findall(r"\d+|[^\W\d_]+", text), text)


def _from_numbers(
    first: str, mark: str, second: str, third: str, order: DateOrder | None
) -> datetime | None:
    if len(first) == 4:
        return _midnight(int(first), int(second), int(third)) if len(third) <= 2 else None
    if len(first) == 3 or len(third) not in (2, 4):
        return None
    year = _year(third)
    if mark == ".":
        return _midnight(year, int(second), int(first))
    if order is None:
        return None
    day, month = (first, second) if order == "day-first" else (second, first)
    return _midnight(year, int(month), int(day))


def _from_words(parts: list[str], text: str) -> datetime | None:
    """Read a date that names its month; anything but numbers, a month and weekdays refuses it."""
    numbers = [part for part in parts if part.isdigit()]
    words = [part.casefold() for part in parts if not part.isdigit()]
    months = [_MONTHS[word] for word in words if word in _MONTHS]
    others = [word for word in words if word not in _MONTHS and word not in _IGNORED]
    ordinal = re.search(r"\d(?:st|nd|rd|th)\b", text)
    others = [word for word in others if not (ordinal and word in ("st", "nd", "rd", "th"))]
    if len(months) != 1 or len(numbers) != 2 or others:
        return None
    years = [number for number in numbers if len(number) == 4]
    if len(years) == 1:
        day = next(number for number in numbers if number is not years[0])
        return _midnight(int(years[0]), months[0], int(day)) if len(day) <= 2 else None
    day, year = numbers
    return _midnight(_year(year), months[0], int(day)) if len(day) <= 2 == len(year) else None


def _year(text: str) -> int:
    if len(text) == 4:
        return int(text)
    return int(text) + (1900 if int(text) >= _PIVOT else 2000)


def _midnight(year: int, month: int, day: int) -> datetime | None:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
