"""The facts about a store: they agree with the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store.ledger import NewAttempt, NewResponse
from store.status import summarise
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
        told = summarise(store)["asking"]["answers whose price is unknown"]
        assert told == store.responses.spent().unpriced == unknown


def opened(store: Any, attempt: NewAttempt) -> int:
    return store.responses.open_call(attempt, owner="o", clock=0.0, lease_s=60).attempt_id


def answered(store: Any, attempt: NewAttempt, answer: NewResponse) -> None:
    store.responses.close_answered(opened(store, attempt), answer, owner="o")
