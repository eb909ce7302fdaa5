"""Questions written for somebody else: found as they were asked, gone with whom they were about."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from store.store import open_store
from store.tables.ledger import Prompt
from store.tables.questions import Question
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from tests.asking_store import make_store
from tests.reading_store import fill

PROMPT = Prompt(
    [{"role": "user", "content": "Name what customer-ada likes: a pen of é"}],
    {"type": "object", "required": ["b", "a"]},
    "exemplar_interests",
    "s256:t",
)
QUESTION = Question("s256:q", PROMPT, subject_id=1, run_id=1, max_tokens=2_000, shown=[4, 0, 2])


def test_a_question_is_found_as_it_was_asked_last(tmp_path: Path) -> None:
    with make_store(tmp_path / "a.db", 2) as store:
        assert store.questions.find("s256:q") is None
        store.questions.add([QUESTION, replace(QUESTION, request_digest="s256:r", subject_id=2)])
        assert store.questions.find("s256:q") == QUESTION
        later = replace(QUESTION, run_id=store.runs.start("requests", {}), max_tokens=4_000)
        store.questions.add([later])
        assert store.questions.find("s256:q") == later
        assert store.questions.count() == 2
        assert verify(store)[1] == []


def test_all_or_none_of_the_questions_are_kept(tmp_path: Path) -> None:
    with make_store(tmp_path / "a.db", 1) as store:
        nobody = replace(QUESTION, request_digest="s256:n", subject_id=99)
        with pytest.raises(sqlite3.IntegrityError):
            store.questions.add([QUESTION, nobody])
        assert store.questions.count() == 0


def test_forgetting_a_user_takes_what_would_be_asked_about_it(tmp_path: Path) -> None:
    path = fill(tmp_path / "s.db")
    with open_store(path) as store:
        ada, other, *_ = store.subjects.load(kinds=("exemplar",))
        assert ada.name == "exemplar:customer-ada"
        kept = replace(PROMPT, messages=[{"role": "user", "content": "What is it that cyd likes?"}])
        store.questions.add(
            [
                replace(QUESTION, subject_id=ada.subject_id),
                replace(
                    QUESTION, request_digest="s256:k", prompt=kept, subject_id=other.subject_id
                ),
            ]
        )
        forget_user(store, "customer-ada")
        assert store.questions.find("s256:q") is None
        assert store.questions.find("s256:k") is not None
        assert verify(store)[1] == []
    assert b"Name what" not in path.read_bytes()
    assert b"cyd likes" in path.read_bytes()
