"""The facts about a store: they agree with the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from profiler.exchange.interest_rows import GroundedInterest
from store.tables.ledger import NewAttempt, NewResponse
from store.views.status import summarise
from tests.asking_store import make_store

ANSWER = NewResponse("s256:r", None, 1, None, "openai:m", "raw text")


@pytest.mark.parametrize(
    ("answers", "unknown"),
    [
        ([{}], 1),  # the service tells no tokens, so there is no price
        ([{"tokens_in": 5, "tokens_out": 7}], 1),
        ([{"tokens_in": 5, "tokens_out": 7, "cost_usd": 0.1}, {}], 1),
        ([{"cost_usd": 0.0}], 0),
    ],
)
def test_answers_of_unknown_price_are_those_of_the_ledger(
    tmp_path: Path, answers: list[dict[str, Any]], unknown: int
) -> None:
    with make_store(tmp_path / "a.db", 1) as store:
        for number, told in enumerate(answers):
            answer = replace(ANSWER, request_digest=f"s256:{number}", **told)
            answered(store, NewAttempt(answer.request_digest, 1, None, "ask", 0.5, 100), answer)
        extractor = replace(ANSWER, request_digest="s256:o")
        answered(store, NewAttempt("s256:o", 1, None, "offline", 0, 0), extractor)
        failed = opened(store, NewAttempt("s256:f", 1, None, "ask", 0.5, 100))
        store.responses.close_failed(failed, "timeout", error="no answer")
        told = summarise(store).asking["answers whose price is unknown"]
        assert told == store.responses.spent().unpriced == unknown


def test_no_run_is_advised_for_subjects_that_no_run_asks_about(tmp_path: Path) -> None:
    with make_store(tmp_path / "a.db", 2) as store:
        assert any("2 subjects are not asked yet" in line for line in summarise(store).advice)
        brought = store.subjects.load()[0]
        interest = GroundedInterest("Pens", "Pens to write with", [])
        store.interests.save(brought.subject_id, [interest], source="import:me", response_id=None)
        store.subjects.set_state(brought.subject_id, "pending")  # as where its items change
        advice = summarise(store).advice
        assert any(line.startswith("1 subjects are not asked yet") for line in advice)
        assert any(line.startswith("1 subjects have other items than when") for line in advice)


def opened(store: Any, attempt: NewAttempt) -> int:
    return store.responses.open_call(attempt, owner="o", clock=0.0, lease_s=60).attempt_id


def answered(store: Any, attempt: NewAttempt, answer: NewResponse) -> None:
    store.responses.close_answered(opened(store, attempt), answer, owner="o")
