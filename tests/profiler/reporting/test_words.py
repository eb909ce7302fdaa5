from __future__ import annotations

from profiler.reporting.words import name_groups, words_of


def test_words_are_lower_case_and_say_something() -> None:
    assert words_of("The Gel-Pens, and of 12 Étuis for YOU") == ["gel-pens", "étuis"]


def test_groups_are_named_by_what_sets_them_apart() -> None:
    labels = ["gel pens", "ink pens", "pens in paper", "shredded paper", "paper towels", "paper"]
    assert name_groups(labels, [0, 0, 0, 1, 1, 1]) == {0: "pens, gel", 1: "paper, shredded"}


def test_a_rare_word_does_not_name_a_large_group() -> None:
    labels = [f"comedy {'monty' if i == 0 else ''}" for i in range(9)] + ["drama"]
    assert name_groups(labels, [0] * 9 + [1])[0] == "comedy"


def test_no_two_groups_have_one_name_even_without_words() -> None:
    names = name_groups(["pens", "pens", "of", "the"], [0, 1, 2, 3])
    assert len(set(names.values())) == 4
    assert names[2] == "unnamed"
