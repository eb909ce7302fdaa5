"""Whether a text that was cut off had begun to repeat itself: a small model's way of not ending."""

from __future__ import annotations

LOOKED_AT = 4_000
"""Last characters that are looked at."""
TIMES = 4
LEAST = 120
"""Repetitions, and characters that they fill: a list of like ids is no loop (our choice)."""


def repeats_itself(text: str) -> bool:
    """Whether the end of a text is one piece, said again and again.

    The longest end of a text that has a period is found for all periods at once, in linear time
    (the Z algorithm on the reversed text; Gusfield, Algorithms on Strings, section 1.3).
    """
    end = text.rstrip()[-LOOKED_AT:][::-1]
    return any(
        period + same >= max(TIMES * period, LEAST)
        for period, same in enumerate(_common_with_start(end))
        if period
    )


def _common_with_start(text: str) -> list[int]:
    """For each place, how many characters from there are those the text begins with."""
    found = [0] * len(text)
    left = right = 0
    for place in range(1, len(text)):
        if place < right:
            found[place] = min(right - place, found[place - left])
        while place + found[place] < len(text) and text[found[place]] == text[place + found[place]]:
            found[place] += 1
        if place + found[place] > right:
            left, right = place, place + found[place]
    return found
