"""Nominated cases and rankings: kept as they were chosen, gone with the user they are of."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError

from store.errors import StoreError
from store.store import open_store
from store.tables.ledger import NewResponse, Prompt
from store.tables.tasks.cases import EXAMPLES, Case, Nomination
from store.tables.tasks.rankings import Ranking, TeacherHints
from store.tables.tasks.subjects import TaskSubject
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from tests.reading_store import fill, rows_of

ADA, BOB = 0, 1
NOMINATION = Nomination("s256:teacher", "sasrec", "random", 3, {"n": 2})
CASES = [
    Case("s256:teacher", BOB, (0, 1), 3, (2, 3, 4), -0.6),
    Case("s256:teacher", ADA, (0,), 1, (1, 2, 4), -0.4),
]


@pytest.fixture
def store(tmp_path):
    with open_store(fill(tmp_path / "s.db")) as opened:
        yield opened


def saved(store):
    return store.cases.save(NOMINATION, CASES, data="s256:data")


def answer(store, task_subject, number):
    """A stored answer about the subject of a task."""
    prompt = Prompt([{"role": "user", "content": f"q {number}"}], {}, "rank_case", "s256:t")
    response = store.responses.add(
        NewResponse(
            request_digest=f"s256:question-{number}",
            prompt=prompt,
            subject_id=None,
            run_id=None,
            model="openai:m",
            raw_text=f"answer number {number}",
            task_subject_id=task_subject,
        )
    )
    store.responses.settle(response, "ok", {})
    return response


def test_cases_come_back_as_they_were_drawn(store):
    number = saved(store)
    loaded = store.cases.load(number)
    assert [(c.user_ix, c.history, c.target_ix, c.candidates) for c in loaded] == [
        (c.user_ix, c.history, c.target_ix, c.candidates) for c in CASES
    ]
    (listed,) = store.cases.nominations()
    assert (listed.policy, listed.seed, listed.cases, listed.settings) == ("random", 3, 2, {"n": 2})
    assert verify(store)[1] == []


def test_the_same_choice_is_stored_once_and_cases_are_shared(store):
    # A second nomination once made cases of its own, so that the same question was paid twice.
    first = saved(store)
    assert saved(store) == first
    other = Nomination("s256:teacher", "sasrec", "hardest", 3, {"n": 1})
    second = store.cases.save(other, CASES[:1], data="s256:data")
    assert second != first
    assert store.cases.load(second)[0].case_id == store.cases.load(first)[0].case_id
    assert store.cases.save(NOMINATION, CASES, data="s256:grown") not in (first, second)


def test_what_shows_a_teacher_is_listed_where_it_is_asked_for(store):
    store.cases.save(Nomination("s256:teacher", "sasrec", EXAMPLES, 0), CASES, data="d")
    assert store.cases.nominations() == []
    assert len(store.cases.nominations(examples=True)) == 1


def test_a_case_is_not_changed(store):
    saved(store)
    with pytest.raises(IntegrityError, match="kept as it was nominated"), store.write() as db:
        db.exec_driver_sql("UPDATE cases SET target_ix = 5")


def test_a_ranking_replaces_what_its_source_gave_before(store):
    saved(store)
    store.rankings.save([Ranking(1, "openai:m", (2, 3)), Ranking(1, "offline", (4, 3))])
    store.rankings.save([Ranking(1, "openai:m", (3, 2)), Ranking(2, "openai:m", (1, 0), True)])
    assert [one.items for one in store.rankings.load(source="openai:m")] == [(3, 2), (1, 0)]
    assert [one.items for one in store.rankings.load([1], "offline")] == [(4, 3)]
    store.rankings.remove(1, "openai:m", forced=False)
    assert [one.forced for one in store.rankings.load(source="openai:m")] == [True]


@pytest.mark.parametrize(
    ("ranking", "fault"),
    [
        (Ranking(1, "openai:m", (2, 5)), "ranking 1 has an item that was no candidate"),
        (Ranking(1, "openai:m", (2, 2)), "ranking 1 has an item twice"),
        (Ranking(2, "openai:m", (0, 1)), "ranking 1 has an item that was no candidate"),
    ],
)
def test_verify_finds_rankings_of_what_was_no_candidate(store, ranking, fault):
    saved(store)
    store.rankings.save([ranking])
    assert verify(store)[1] == [fault]


def test_verify_lets_a_forced_target_stand(store):
    saved(store)
    store.rankings.save([Ranking(2, "openai:m", (1, 2), forced=True)])
    assert verify(store)[1] == []


def test_verify_finds_a_changed_case(store, tmp_path):
    saved(store)
    store.close()
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("DROP TRIGGER keep_case")
        db.execute("UPDATE cases SET target_ix = 4 WHERE case_id = 1")
    with open_store(tmp_path / "s.db") as opened:
        faults = verify(opened)[1]
    assert "case 1 was changed after it was written" in faults


def test_a_damaged_list_is_named(store, tmp_path):
    number = saved(store)
    store.close()
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("DROP TRIGGER keep_case")
        db.execute("UPDATE cases SET candidates = '[99]' WHERE case_id = 2")
    with open_store(tmp_path / "s.db") as opened, pytest.raises(StoreError, match="candidates of"):
        opened.cases.load(number)


def test_forgetting_takes_the_cases_of_a_user(store):
    saved(store)
    store.rankings.save([Ranking(1, "offline", (2, 3)), Ranking(2, "offline", (1, 2))])
    counts = forget_user(store, "customer-bob")
    assert counts["cases"] == 1
    assert [case.user_ix for case in store.cases.load(1)] == [ADA]
    assert [one.case_id for one in store.rankings.load()] == [2]
    assert verify(store)[1] == []


def test_forgetting_finds_answers_that_show_a_user_beside_others(store):
    # A summary of many users' lists is about a model; the user's name stood in no row of it.
    saved(store)
    model = TaskSubject("rank", "model", "model:teacher")
    case = TaskSubject("rank", "case", CASES[1].name, user_ix=ADA)
    model_row, case_row = store.tasks.add([model, case])
    store.tasks.add_users(model_row, [BOB, ADA])
    summary, ranked = answer(store, model_row, 1), answer(store, case_row, 2)
    store.tasks.add_parents(ranked, [summary])
    store.rankings.save_hints(
        TeacherHints("s256:teacher", "openai:m", ("Bob likes refills.",), "s256:t", summary)
    )
    store.rankings.save([Ranking(2, "openai:m", (1, 2), response_id=ranked)])
    store.tasks.set_states([model_row, case_row], "ok")

    forget_user(store, "customer-bob")
    assert store.rankings.hints() == []
    assert store.rankings.load() == []
    assert [one.state for one in store.tasks.load("rank")] == ["pending", "pending"]
    assert [r for r in rows_of(store, "responses") if "answer number" in r["raw_text"]] == []
    assert verify(store)[1] == []
