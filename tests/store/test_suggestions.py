"""What may have been meant is told where something is near, and only there."""

from __future__ import annotations

import time

import pytest

from store.suggestions import did_you_mean, near


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("buidl", ["build", "backup", "export"], ["build"]),
        ("u042", ["U042", "U043"], ["U042"]),
        ("lamp", ["Brass Reading Lamp", "Tent"], ["Brass Reading Lamp"]),
        ("nobody", ["U042", "U043"], []),
        ("", ["U042"], []),
    ],
)
def test_near_names(name: str, known: list[str], found: list[str]) -> None:
    assert near(name, known) == found


def test_the_sentence_ends_a_message() -> None:
    assert did_you_mean("shwo", ["show", "status"]) == "; did you mean 'show'?"
    assert did_you_mean("tents", ["tent", "tenst"]) == "; did you mean 'tent' or 'tenst'?"
    assert did_you_mean("xyz", ["show"]) == ""


def test_a_hundred_thousand_names_do_not_make_an_error_slow() -> None:
    names = [f"customer-{number:06d}" for number in range(100_000)]
    started = time.process_time()
    assert near("custmer-012345", names)
    assert time.process_time() - started < 2
