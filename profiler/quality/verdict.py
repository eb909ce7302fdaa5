"""What the measures of stored interests say in words, against their controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Report = Mapping[str, Any]


def verdict_lines(report: Report) -> list[str]:
    """Judge a report of :func:`profiler.quality.evaluate_store.evaluate_store` in sentences.

    A difference counts only where 0 lies outside its 95 % interval. What was not measured has no
    line.

    Parameters
    ----------
    report
        JSON values with their ``intervals``.

    Returns
    -------
    list of str
        One line for each question that the report answers, the most important first.
    """
    return [f"verdict: {line}" for line in _lines(report)]


def _lines(report: Report) -> Iterator[str]:
    agreement = report.get("agreement")
    if agreement and agreement.get("ami") is not None:
        yield (
            f"groups agree with the known ones at AMI {agreement['ami']:.2f} (higher is better; "
            "0 is chance, 1 is the same groups)"
        )
    grounded = report.get("groundedness")
    if grounded is not None:
        yield f"{grounded:.0%} of the interests rest on items that were shown"
    yield from _against(
        report,
        "specificity",
        "found minus shuffled",
        "evidence stands out among other items {judged} than shuffled evidence",
    )
    for other, called in (
        ("popularity", "popularity"),
        ("history_mean", "the mean of the whole history"),
        ("catalogue_shuffled", "other people's interests"),
    ):
        yield from _against(
            report,
            "predictive_power",
            f"catalogue minus {other}",
            f"interests find the next items {{judged}} than {called}",
        )
    yield from _against(
        report,
        "steerability",
        "dropped minus shuffled",
        "a list follows a dropped interest {judged} than a random one",
    )


def _against(report: Report, measure: str, difference: str, sentence: str) -> Iterator[str]:
    """The sentence with ``better``, ``worse`` or ``not shown to be better``, and the difference."""
    values, intervals = report.get(measure), report["intervals"].get(measure)
    if not values or not intervals or values.get(difference) is None:
        return
    low, high = intervals[difference]
    judged = "better" if low > 0 else "worse" if high < 0 else "neither better nor worse"
    figures = f"{values[difference]:+.3f}, 95 % {low:+.3f} to {high:+.3f}"
    yield f"{sentence.format(judged=judged)} ({figures})"
