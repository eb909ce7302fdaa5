"""A text that was cut off is told from one that repeats itself."""

from __future__ import annotations

import json

import pytest

from profiler.asking.answers.repetition import repeats_itself

ONE = {"label": "Pens", "description": "Likes pens of all colours.", "evidence": [1, 2, 3]}


@pytest.mark.parametrize(
    "text",
    [
        '{"interests": [{"label": "A", "evidence": [' + "12, 13, " * 60,
        '{"interests": [' + ", ".join([json.dumps(ONE)] * 6),
        "1" * 300,
    ],
)
def test_a_loop_is_seen_wherever_it_is_cut(text: str) -> None:
    for cut in range(40):
        assert repeats_itself(text[: len(text) - cut])


@pytest.mark.parametrize(
    "text",
    [
        "",
        json.dumps([ONE | {"label": f"Interest {n}", "evidence": [n, n + 3]} for n in range(20)]),
        "[" + ", ".join(map(str, range(200))),
        "An ordinary sentence of some length. " + "It goes on in other words, as texts do.",
    ],
)
def test_lists_and_sentences_are_none(text: str) -> None:
    assert not repeats_itself(text)
