"""The verdict in words: a difference counts only where its interval leaves out 0.

Written after ``profiler evaluate`` had ended in forty figures that newcomers could not weigh.
"""

from __future__ import annotations

from typing import Any

import pytest

from profiler.quality.verdict import verdict_lines


def report(difference: float, low: float, high: float) -> dict[str, Any]:
    name = "catalogue minus popularity"
    return {
        "predictive_power": {name: difference},
        "intervals": {"predictive_power": {name: [low, high]}},
    }


@pytest.mark.parametrize(
    ("low", "high", "judged"),
    [(0.1, 0.3, "better"), (-0.3, -0.1, "worse"), (-0.1, 0.5, "neither better nor worse")],
)
def test_the_interval_decides(low: float, high: float, judged: str) -> None:
    (line,) = verdict_lines(report((low + high) / 2, low, high))
    assert f" {judged} than popularity (" in line
    assert f"{low:+.3f} to {high:+.3f}" in line


def test_what_was_not_measured_is_not_judged() -> None:
    nothing = {"predictive_power": None, "specificity": None, "groundedness": None}
    assert verdict_lines({**nothing, "intervals": dict.fromkeys(nothing)}) == []


def test_agreement_and_grounding_say_what_the_figure_means() -> None:
    lines = verdict_lines({"agreement": {"ami": 0.5}, "groundedness": 1.0, "intervals": {}})
    assert "AMI 0.50 (higher is better" in lines[0]
    assert "100% of the interests" in lines[1]
