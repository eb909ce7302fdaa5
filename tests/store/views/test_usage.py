"""What a model's answers took, for forecasts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.store import Store
from store.tables.ledger import NewAttempt, NewResponse, Prompt
from store.views.usage import AnswerUsage, answer_purposes, answer_usage
from tests.asking_store import make_store

PROMPT = Prompt([{"role": "user", "content": "hello"}], {"type": "object"}, "t", "s256:t")
RESPONSE = NewResponse("s256:r", PROMPT, 1, None, "openai:m", "raw text", tokens_in=5, tokens_out=7)
ATTEMPT = NewAttempt("s256:r", 1, None, "ask", 0.5, 100)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "a.db", 3) as opened:
        yield opened


def test_usage_and_purposes_of_a_model(store: Store) -> None:
    store.responses.open_call(ATTEMPT, owner="x", clock=0, lease_s=60)
    store.responses.close_answered(1, RESPONSE, owner="x")
    sent = len('[{"content":"hello","role":"user"}]')
    assert answer_usage(store, "openai:m") == [AnswerUsage("t", sent, 5, 7)]
    assert answer_usage(store, "openai:m", most=0) == []
    assert answer_purposes(store, "openai:m") == {"ask": 1}
    assert answer_usage(store, "openai:other") == []
