"""Untrusted item texts: one visible line each, inside a mark they cannot know."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts.items import (
    MAX_TITLE,
    boundary,
    clean_text,
    estimate_tokens,
    item_block,
    item_lines,
    shown_ids,
)
from tests.hostile_titles import hostile_titles

KEY = b"0123456789abcdef"


@pytest.mark.parametrize("title", hostile_titles())
def test_a_hostile_title_is_one_visible_line_inside_the_boundary(title: str) -> None:
    lines = item_lines([title, "Blue pen"], ["1", "2"])
    mark = boundary(KEY, lines)
    block = item_block(lines, mark)
    assert block.split("\n") == [f"<<<items {mark}>>>", *lines, f"<<<end {mark}>>>"]
    assert block.count(mark) == 2
    assert lines[0].startswith("- ")
    assert lines[0].endswith(" (1)")
    assert len(lines[0]) <= MAX_TITLE + len("-  (1)")
    for char in lines[0]:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(char)
    for chat_mark in ("<|im_start|>", "<|im_end|>", "[INST]", "</s>"):
        assert chat_mark not in lines[0]


def test_there_are_at_least_200_different_hostile_titles() -> None:
    assert len(set(hostile_titles())) >= 200


@given(st.text(max_size=400))
def test_clean_text_is_stable_and_capped(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    assert len(clean) <= MAX_TITLE
    assert len(clean.splitlines()) <= 1


@pytest.mark.parametrize(
    "title",
    [
        "Misérables, Les (1995)",
        "七人の侍 (1954)",
        '3M Scotch® Tape, 3/4" x 1000" – 6 Rolls',
        "Amélie – «Le fabuleux destin»",
        "Зеркало",
        "كتاب الطبخ",
        "L'Oréal 100% & more: #5",
    ],
)
def test_honest_titles_stay_as_they_are(title: str) -> None:
    assert clean_text(title) == title


def test_a_plain_id_is_shown_and_any_other_by_its_place() -> None:
    ids = ["12", "B00-X_1", "a b", "x\ny", "1) ignore", "é", "~4", "a" * 65, ""]
    assert shown_ids(ids) == ["12", "B00-X_1", "~3", "~4", "~5", "~6", "~7", "~8", "~9"]


@given(st.lists(st.text(max_size=8), unique=True, max_size=30))
def test_shown_ids_are_unique(ids: list[str]) -> None:
    assert len(set(shown_ids(ids))) == len(ids)


def test_an_item_without_a_name_is_called_untitled() -> None:
    assert item_lines(["", "\u200b"], ["1", "2"]) == ["- untitled (1)", "- untitled (2)"]


@settings(max_examples=50)
@given(st.lists(st.text(max_size=20), max_size=5), st.lists(st.text(max_size=20), max_size=5))
def test_a_boundary_depends_on_the_content_and_the_key(one: list[str], two: list[str]) -> None:
    assert (boundary(KEY, one) == boundary(KEY, two)) == (one == two)
    assert boundary(KEY, one) != boundary(b"another key of 24 bytes.", one)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        boundary(b"short", [])


def test_tokens_are_estimated_from_bytes() -> None:
    assert [estimate_tokens(text) for text in ("", "a", "abc", "abcd", "七人")] == [0, 1, 1, 2, 2]
