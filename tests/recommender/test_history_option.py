"""Item ids on the command line may hold commas."""

from __future__ import annotations

import pytest

from recommender.commands.recommend import parse_history


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (None, None),
        ("", []),
        ("I1,I2, I3 ,", ["I1", "I2", "I3"]),
        ('I1, "lamp, brass"', ["I1", "lamp, brass"]),
        ('7" tape,I2', ['7" tape', "I2"]),
    ],
)
def test_ids_of_a_history(text: str | None, ids: list[str] | None) -> None:
    assert parse_history(text) == ids
