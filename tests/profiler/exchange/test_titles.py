"""Titles: what counts as the same, and what stays apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.exchange.titles import TitleIndex, normal_title, short_title

SHOP = TitleIndex(
    [
        (0, "10", "Rock, The (1996)"),
        (1, "11", "Misérables, Les (1995)"),
        (2, "12", "Misérables, Les (1998)"),
        (3, "13", "Life Is Beautiful (La Vita è bella) (1997)"),
        (4, "14", "Romeo & Juliet (1968)"),
        (5, "15", "300"),
        (6, "300", "Die Hard 2 (1990)"),
        (7, "16", None),
        (8, "17", "Twins"),
        (9, "18", "Twins"),
        (10, "19", "Ocean's Eleven (1960)"),
        (11, "20", "3M Tape, 3/4 in. x 1000 in. (6-Pack)"),
    ]
)


@pytest.mark.parametrize(
    ("written", "items", "way"),
    [
        ("10", [0], "id"),
        ("300", [6], "id"),
        ("Rock, The (1996)", [0], "title"),
        (" Rock, The (1996) ", [0], "title"),
        ("The Rock (1996)", [0], "normalised"),
        ("the rock", [0], "normalised"),
        ("Les Miserables (1995)", [], None),
        ("Miserables, Les (1995)", [1], "normalised"),
        ("Misérables, Les", [1, 2], "normalised"),
        ("Life is beautiful", [3], "normalised"),
        ("Life Is Beautiful (1997)", [], None),
        ("Life Is Beautiful (La Vita ï¿½ bella) (1997)", [3], "normalised"),
        ("Mis\ufffdrables, Les (1998)", [2], "normalised"),
        ("Romeo and Juliet (1968)", [4], "normalised"),
        ("Romeo and Juliet (1996)", [], None),
        ("Oceans Eleven", [10], "normalised"),
        ("Ocean's Eleven (2001)", [], None),
        ("Twins", [8, 9], "title"),
        ("3m tape 3/4 in x 1000 in", [11], "normalised"),
        ("", [], None),
        ("\ufffd", [], None),
        ("(1996)", [], None),
        ("!!!", [], None),
    ],
)
def test_find(written: str, items: list[int], way: str | None) -> None:
    assert SHOP.find(written) == (items, way)


@given(st.text(max_size=60))
def test_normal_forms_are_stable_and_find_never_fails(text: str) -> None:
    assert normal_title(normal_title(text)) in (normal_title(text), short_title(normal_title(text)))
    found, way = SHOP.find(text)
    assert bool(found) == (way is not None)


@given(st.text(st.characters(codec="ascii", categories=["L", "Nd"]), min_size=1, max_size=20))
def test_an_item_is_found_by_its_own_title_in_any_case(title: str) -> None:
    index = TitleIndex([(3, "an id with blanks", title)])
    assert index.find(title)[0] == [3]
    assert index.find(title.upper())[0] == [3]
    assert index.find(f"  {title.lower()} ")[0] == [3]
