"""Geometry of charts: data to the numbers an SVG needs. The template draws, this computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 380, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 40
"""Size and margins of a chart in SVG units: 1:1 on a phone, larger on a desk."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: place in SVG units and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """One curve: its name, SVG path, style number and where its last point lies."""

    name: str
    path: str
    style: int
    end_x: float
    end_y: float


@dataclass(frozen=True)
class Chart:
    """A line chart with its table: the same figures for those who read rather than look."""

    id: str
    title: str
    note: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    lines: list[Line]
    headers: list[str]
    rows: list[list[str]]

    width, height = WIDTH, HEIGHT
    left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


@dataclass(frozen=True)
class Series:
    """Values of one curve over the chart's x values; shares between 0 and 1."""

    name: str
    values: Sequence[float]


def percent(share: float) -> str:
    """Return a share as a percentage that is short but never wrongly 0 or 100."""
    value = 100 * share
    if 0 < value < 1 or 99 < value < 100:
        return f"{value:.1f} %"
    return f"{value:.0f} %"


def share_chart(
    name: str,
    title: str,
    note: str,
    x: Sequence[float],
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    x_format: str = "g",
    steps: bool = False,
    table_rows: int = 12,
) -> Chart:
    """Chart of shares (y from 0 to the round figure above the largest) over ascending ``x``.

    Parameters
    ----------
    name
        Id in the document.
    x, series
        Values; each series has as many as ``x``.
    x_format
        Format of numbers on the x axis and in the table.
    steps
        Draw as steps: the value changes at ``x`` and stays.
    table_rows
        About how many rows the table has; evenly spaced, the last one always.
    """
    low, high = float(x[0]), float(x[-1])
    top = _round_up(max((max(s.values) for s in series if len(s.values)), default=0.0))
    marks = [v for v in nice(low, high, 5) if not steps or v.is_integer()]  # steps are counted
    x_ticks = [Tick(_across(v, low, high), format(v, x_format)) for v in marks]
    y_ticks = [Tick(_up(v, top), percent(v)) for v in nice(0.0, top, 4)]
    lines = [_line(s, x, low, high, top, style, steps) for style, s in enumerate(series)]
    chosen = sorted({*range(0, len(x), max(1, len(x) // table_rows)), len(x) - 1})
    rows = [[format(x[i], x_format), *(percent(s.values[i]) for s in series)] for i in chosen]
    headers = [x_label, *(s.name for s in series)]
    return Chart(name, title, note, x_label, y_label, x_ticks, y_ticks, lines, headers, rows)


def nice(low: float, high: float, about: int) -> list[float]:
    """Round values from ``low`` to ``high``, about so many, steps of 1, 2, 2.5 or 5 × 10^n."""
    if high <= low:
        return [low]
    raw = (high - low) / about
    magnitude = 10.0 ** int(f"{raw:e}".split("e")[1])
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= raw * (1 - 1e-9))
    first = -(-low // step)
    values = [round((first + i) * step, 10) for i in range(about * 3)]
    return [v for v in values if v <= high + 1e-9 * (high - low)]


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    for top in (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0):
        if value <= top * (1 + 1e-9):
            return top
    return value


def _across(value: float, low: float, high: float) -> float:
    span = high - low or 1.0
    return round(LEFT + (value - low) / span * (WIDTH - LEFT - RIGHT), 1)


def _up(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM), 1)


def _line(
    series: Series,
    x: Sequence[float],
    low: float,
    high: float,
    top: float,
    style: int,
    steps: bool,
) -> Line:
    points = [(_across(a, low, high), _up(b, top)) for a, b in zip(x, series.values, strict=True)]
    parts = [f"M{points[0][0]},{points[0][1]}"]
    for across, up in points[1:]:
        parts.append(f"H{across}V{up}" if steps else f"L{across},{up}")
    return Line(series.name, "".join(parts), style, *points[-1])
