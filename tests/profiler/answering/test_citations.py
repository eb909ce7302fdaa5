from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.answering.citations import (
    CITES_NOTHING,
    NOT_LOOKED_UP,
    UNKNOWN,
    Seen,
    check,
    cited,
    sentences_of,
)
from store.store import Store, open_store
from tests.reading_store import fill


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(fill(tmp_path_factory.mktemp("ask") / "s.db"))


@pytest.mark.parametrize(
    ("answer", "sentences"),
    [
        ("One [i1]. Two [i2].", ["One [i1].", "Two [i2]."]),
        ("One. [i1] Two. [i2]", ["One. [i1]", "Two. [i2]"]),
        ("- One [i1]\n- Two [i2]\n", ["- One [i1]", "- Two [i2]"]),
        ("Pens, e.g. gel pens [i1]. Why? [i2]", ["Pens, e.g. gel pens [i1].", "Why? [i2]"]),
        ("Costs 2.50 each [item 7].", ["Costs 2.50 each [item 7]."]),
        ("Unproven.\n[i1] Proven.", ["Unproven.", "[i1] Proven."]),
        ("\n \n", []),
    ],
)
def test_sentences(answer: str, sentences: list[str]) -> None:
    assert sentences_of(answer) == sentences


@given(st.text(alphabet="aB .!?[]i1,-\n", max_size=80))
def test_no_word_is_lost_and_none_is_made_up(answer: str) -> None:
    joined = "".join(sentences_of(answer))
    assert [c for c in joined if c in "aB1"] == [c for c in answer if c in "aB1"]


@pytest.mark.parametrize(
    ("sentence", "interests", "items"),
    [
        ("A [i12].", (12,), ()),
        ("A [i12, i3; item 2028] [I12].", (12, 3), ("2028",)),
        ("A [item B00 1x].", (), ("B00 1x",)),
        ("A [sic] [12] [i] [item] (i12).", (), ()),
    ],
)
def test_citations(sentence: str, interests: tuple[int, ...], items: tuple[str, ...]) -> None:
    assert (cited(sentence).interests, cited(sentence).items) == (interests, items)


def test_only_proven_sentences_are_kept_and_the_others_counted(store: Store) -> None:
    seen = Seen({1}, {"pen"})
    answer = (
        "Ada writes with gel pens [i1]. She has one [item pen, i1]. Everybody does. "
        "Some shred [i3]. Some paint [i99]. Some tape [item tape]. Some fly [item plane]. "
        "Mixed [i1, i99]."
    )
    checked = check(answer, seen, store)
    assert [s.text for s in checked.kept] == [
        "Ada writes with gel pens [i1].",
        "She has one [item pen, i1].",
    ]
    assert checked.dropped == {CITES_NOTHING: 1, NOT_LOOKED_UP: 2, UNKNOWN: 3}
    assert len(checked.problems) == 6


def test_interests_of_inactive_subjects_do_not_count(tmp_path: Path) -> None:
    with open_store(fill(tmp_path / "s.db")) as opened:
        assert check("A [i3].", Seen({3}), opened).kept
        with opened.write() as connection:
            connection.exec_driver_sql("UPDATE subjects SET active = 0 WHERE subject_id = 2")
        assert check("A [i3].", Seen({3}), opened).dropped == {UNKNOWN: 1}
