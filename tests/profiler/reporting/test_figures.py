from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.reporting.figures import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Series,
    nice,
    percent,
    share_chart,
)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.004, "0.4 %"), (0.5, "50 %"), (0.996, "99.6 %"), (1, "100 %")],
)
def test_percentages_are_never_wrongly_none_or_all(share: float, text: str) -> None:
    assert percent(share) == text


@given(st.integers(-1000, 1000), st.floats(0.01, 1e6), st.integers(2, 8))
def test_ticks_are_round_ascending_and_inside(low: float, span: float, about: int) -> None:
    ticks = nice(low, low + span, about)
    assert ticks == sorted(set(ticks))
    assert about // 3 <= len(ticks) <= 2 * about + 2
    assert all(low - 1e-6 * span <= t <= low + span * (1 + 1e-6) for t in ticks)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_curves_stay_inside_their_frame_and_the_table_ends_with_the_last(v: list[float]) -> None:
    chart = share_chart("c", "C", "n", range(len(v)), [Series("s", v)], x_label="x", y_label="y")
    line = chart.lines[0]
    for pair in line.path[1:].split("L"):
        x, y = map(float, pair.split(","))
        assert LEFT <= x <= WIDTH - RIGHT
        assert TOP - 0.1 <= y <= HEIGHT - BOTTOM
    assert chart.rows[-1] == [str(len(v) - 1), percent(v[-1])]
    assert chart.rows[0] == ["0", percent(v[0])]


def test_steps_change_where_the_value_does() -> None:
    series = Series("s", [0.0, 0.5, 1.0])
    chart = share_chart("c", "", "", [0, 1, 2], [series], x_label="", y_label="", steps=True)
    assert chart.lines[0].path.startswith(f"M{LEFT}.0,{HEIGHT - BOTTOM}.0H")
    assert chart.lines[0].end_y == TOP
