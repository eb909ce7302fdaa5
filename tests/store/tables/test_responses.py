"""Answers, the ledger and leases."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from store.store import Store, open_store
from store.tables import leases
from store.tables.ledger import NewAttempt, NewResponse, Prompt, Spent
from tests.asking_store import make_store, scalar

PROMPT = Prompt([{"role": "user", "content": "hello"}], {"type": "object"}, "t", "s256:t")
RESPONSE = NewResponse("s256:r", PROMPT, 1, None, "openai:m", "raw text", tokens_in=5, tokens_out=7)
ATTEMPT = NewAttempt("s256:r", 1, None, "ask", 0.5, 100)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "a.db", 3) as opened:
        yield opened


def open_call(store: Store, owner: str, clock: float = 0.0) -> object:
    return store.responses.open_call(ATTEMPT, owner=owner, clock=clock, lease_s=60)


def test_an_answer_is_found_by_what_was_sent(store: Store) -> None:
    assert store.responses.find("s256:r") is None
    number = store.responses.add(RESPONSE)
    found = store.responses.find("s256:r")
    assert found is not None
    assert (found.response_id, found.raw_text, found.outcome) == (number, "raw text", "unread")
    assert store.responses.get(number) == found
    assert store.responses.get(number + 1) is None


def test_what_a_model_thought_stands_apart_and_stays_as_it_came(store: Store) -> None:
    """Fault: it was read apart from the answer and then dropped."""
    number = store.responses.add(replace(RESPONSE, reasoning="They like {dust}."))
    silent = store.responses.add(replace(RESPONSE, request_digest="s256:silent"))
    assert store.responses.reasoning(number) == "They like {dust}."
    assert store.responses.reasoning(silent) is None
    assert scalar(store, "SELECT raw_text FROM responses WHERE response_id = 1") == "raw text"
    with pytest.raises(DBAPIError, match="kept as it came"), store.write() as connection:
        connection.exec_driver_sql("UPDATE reasoning SET reasoning = 'x'")


def test_one_prompt_is_stored_once(store: Store) -> None:
    store.responses.add(RESPONSE)
    store.responses.add(replace(RESPONSE, request_digest="s256:other"))
    assert scalar(store, "SELECT count(*) FROM prompts") == 1


def test_only_what_was_not_accepted_is_set_aside(store: Store) -> None:
    good, bad = store.responses.add(RESPONSE), store.responses.add(RESPONSE)
    store.responses.add(replace(RESPONSE, request_digest="s256:unread"))
    store.responses.settle(good, "ok", {})
    store.responses.settle(bad, "invalid", {"errors": ["x"]})
    assert store.responses.set_aside([1]) == 1
    assert store.responses.set_aside([1]) == 0
    found = store.responses.find("s256:r")
    assert found is not None
    assert found.response_id == good
    assert store.responses.find("s256:unread") is not None, "nobody has read it yet"


def test_a_call_is_opened_once(store: Store) -> None:
    one, two = leases.owner_name(), leases.owner_name()
    first = open_call(store, one)
    assert first.attempt_id == 1  # type: ignore[attr-defined]
    second = open_call(store, two)
    assert (second.attempt_id, second.answer) == (None, None)  # type: ignore[attr-defined]
    assert scalar(store, "SELECT count(*) FROM attempts") == 1
    store.responses.close_answered(1, RESPONSE, owner=one)
    third = open_call(store, two)
    assert third.answer.raw_text == "raw text"  # type: ignore[attr-defined]
    assert scalar(store, "SELECT count(*) FROM leases") == 0


def test_a_lease_ends_with_its_time(store: Store) -> None:
    open_call(store, leases.owner_name(), clock=0)
    later = open_call(store, leases.owner_name(), clock=61)
    assert later.attempt_id == 2  # type: ignore[attr-defined]


def test_a_renewed_lease_holds(store: Store) -> None:
    owner = leases.owner_name()
    open_call(store, owner, clock=0)
    store.responses.renew(owner, 500)
    later = open_call(store, leases.owner_name(), clock=61)
    assert later.attempt_id is None  # type: ignore[attr-defined]


def test_a_lease_of_a_dead_process_is_taken_over_at_once(store: Store) -> None:
    code = "from store.tables import leases; print(leases.owner_name())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    owner = dead.stdout.strip()
    assert leases.owner_is_gone(owner)
    open_call(store, owner)
    taken = open_call(store, leases.owner_name())
    assert taken.attempt_id == 2  # type: ignore[attr-defined]


def test_who_cannot_be_judged_is_taken_to_run() -> None:
    assert not leases.owner_is_gone(leases.owner_name())
    assert not leases.owner_is_gone("another-machine|1|1|ab")
    assert not leases.owner_is_gone("nonsense")
    reused = f"{socket.gethostname()}|{os.getpid()}|1|ab"  # this process id, started at boot
    assert leases.owner_is_gone(reused)


def test_a_withdrawn_call_was_never_made(store: Store) -> None:
    open_call(store, leases.owner_name())
    store.responses.withdraw(1)
    assert store.responses.spent() == Spent()
    assert scalar(store, "SELECT count(*) FROM leases") == 0


def test_the_ledger_counts_what_may_have_been_paid(store: Store) -> None:
    owner = leases.owner_name()
    for number, close in enumerate(("answered", "free", "lost", "open"), start=1):
        attempt = replace(ATTEMPT, request_digest=f"s256:{number}", run_id=1)
        store.responses.open_call(attempt, owner=owner, clock=0, lease_s=60)
        if close == "answered":
            answer = replace(RESPONSE, request_digest=f"s256:{number}", cost_usd=0.1)
            store.responses.close_answered(number, answer, owner=owner)
        elif close == "free":
            store.responses.close_failed(number, "server_error", error="x", free=True)
        elif close == "lost":
            store.responses.close_failed(number, "timeout", error="x")
    spent = store.responses.spent()
    assert (spent.calls, spent.tokens) == (4, 12 + 0 + 100 + 100)
    assert spent.usd == pytest.approx(0.1 + 0 + 0.5 + 0.5)
    assert store.responses.spent(run_id=1) == spent
    assert store.responses.spent(run_id=2) == Spent()


def test_an_answer_of_unknown_cost_is_counted_as_such(store: Store) -> None:
    open_call(store, "x")
    store.responses.close_answered(1, RESPONSE, owner="x")
    assert store.responses.spent().unpriced == 1


def test_a_failure_between_answer_and_ledger_leaves_neither(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_call(store, "x")
    monkeypatch.setattr(leases, "release", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.responses.close_answered(1, RESPONSE, owner="x")
    assert scalar(store, "SELECT count(*) FROM responses") == 0
    assert scalar(store, "SELECT outcome FROM attempts") == "sent"


def test_the_store_reopens_with_its_answers(tmp_path: Path) -> None:
    with make_store(tmp_path / "b.db", 1) as store:
        store.responses.add(RESPONSE)
    with open_store(tmp_path / "b.db") as store:
        assert store.responses.find("s256:r") is not None
