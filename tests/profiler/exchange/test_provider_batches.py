"""Provider batch services, spoken on loopback and called by the providers' own clients."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiler.asking.runner import run_asking
from profiler.exchange.batch_options import BatchOptions
from profiler.exchange.batch_services import BatchService, OpenAIBatches, open_batches
from profiler.exchange.provider_batches import cancel, fetch, recover, standings, submit
from profiler.llm.budget import Caps
from profiler.llm.prices import Price, Prices
from profiler.llm.registry import method_for, opening_of
from prompts import Template, load_template
from store.errors import BudgetReachedError, ProviderRefusedError
from store.store import Store
from store.upkeep.forget import forget_user
from tests.asking_store import chat, fast, make_store, scalar
from tests.batch_server import BatchServer

MODELS = {"openai": "openai:gpt-4o-mini", "anthropic": "anthropic:claude-haiku-4-5"}
HALF = Price(input=1.0, output=2.0, batch=0.5)
PRICES = Prices(dict.fromkeys(MODELS.values(), HALF), {})


def text_for(row: dict[str, Any]) -> str:
    """A good answer to a row, whoever's form it has."""
    shown = [int(number) for number in re.findall(r"\[(\d+)\] Item", json.dumps(row))]
    interest = {"label": "A taste", "description": "What is liked.", "evidence": shown[:3]}
    return json.dumps({"interests": [interest]})


def answered(row: dict[str, Any]) -> dict[str, Any]:
    """The row that comes back for a row that was sent."""
    if "params" in row:
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-haiku-4-5",
            "content": [{"type": "text", "text": text_for(row)}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 1_000, "output_tokens": 100},
        }
        return {
            "custom_id": row["custom_id"],
            "result": {"type": "succeeded", "message": message},
        }
    body = {
        "model": "gpt-4o-mini",
        "choices": [{"message": {"content": text_for(row)}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1_000, "completion_tokens": 100},
    }
    return {
        "custom_id": row["custom_id"],
        "response": {"status_code": 200, "body": body},
        "error": None,
    }


def expired(row: dict[str, Any]) -> dict[str, Any]:
    if "params" in row:
        return {"custom_id": row["custom_id"], "result": {"type": "expired"}}
    error = {"code": "batch_expired", "message": "not done in time"}
    return {"custom_id": row["custom_id"], "response": None, "error": error}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "s.db", 4) as opened:
        yield opened


@pytest.fixture(params=list(MODELS))
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    return str(request.param)


def at(server: BatchServer, provider: str) -> tuple[BatchOptions, BatchService]:
    url = server.base_url if provider == "openai" else server.root
    llm, template = MODELS[provider], load_template("exemplar_interests")
    options = BatchOptions(
        llm=llm,
        templates={"exemplar": template},
        reask=load_template("reask"),
        base_url=url,
        method=method_for(llm, url),
    )
    return options, open_batches(opening_of(llm, base_url=url))


def send(store: Store, options: BatchOptions, service: BatchService, **caps: Any) -> Any:
    return submit(store, options, service, caps=Caps(**caps), prices=PRICES)


def test_questions_are_answered_at_half_the_price(store: Store, provider: str) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, provider)
        server.ended = False
        assert send(store, options, service) == (4, 1)
        assert send(store, options, service) == (0, 0), "they are with the provider"
        assert fetch(store, options, service, PRICES).under_way == 1
        assert [one["state"] for one in standings(store, options, service)] == ["sent"]
        server.ended = True
        found = fetch(store, options, service, PRICES)
        assert (found.answered, found.failed, found.unknown) == (4, 0, 0)
        assert fetch(store, options, service, PRICES).answered == 0
        assert len(server.batches) == 1
    assert store.subjects.counts() == {"exemplar": {"ok": 4}}
    assert scalar(store, "SELECT DISTINCT method FROM responses") == "batch"
    half = 4 * (1_000 * 1.0 + 100 * 2.0) / 1e6 / 2
    assert scalar(store, "SELECT sum(cost_usd) FROM attempts") == pytest.approx(half)
    assert store.responses.spent().calls == 4


def test_a_batch_that_passes_a_cap_is_not_sent(store: Store, provider: str) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, provider)
        with pytest.raises(BudgetReachedError, match="a batch of 4 questions"):
            send(store, options, service, calls=3)
        assert not server.batches
        assert scalar(store, "SELECT count(*) FROM attempts") == 0


def kill_before_noting(
    store: Store,
    options: BatchOptions,
    service: BatchService,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """A kill between sending a batch and storing the provider's name for it, or before sending."""

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        target = type(service) if where == "send" else type(store.batches)
        patch.setattr(target, "send" if where == "send" else "sent", kill)
        with pytest.raises(Killed):
            send(store, options, service)
    with store.write() as connection:  # the process that sent it is gone
        connection.exec_driver_sql(
            "UPDATE batches SET owner = replace(owner, '|', '|0') WHERE state = 'sending'"
        )


def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.exchange.provider_batches.owner_is_gone", lambda owner: True)


def test_after_a_kill_the_batch_is_found_in_the_providers_list(
    store: Store, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, provider)
        kill_before_noting(store, options, service, monkeypatch, "sent")
        gone(monkeypatch)
        assert send(store, options, service) == (0, 0)
        assert fetch(store, options, service, PRICES).answered == 4
        assert len(server.batches) == 1, "nothing is paid twice"


def test_a_batch_that_is_nowhere_is_held_until_the_user_gives_it_up(
    store: Store, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, provider)
        kill_before_noting(store, options, service, monkeypatch, "send")
        gone(monkeypatch)
        recover(store, options, service)
        assert [one.state for one in store.batches.all()] == ["held"]
        assert send(store, options, service) == (0, 0), "nobody decided yet"
        assert cancel(store, options, service) == (0, 1)
        assert send(store, options, service) == (4, 1)
        assert fetch(store, options, service, PRICES).answered == 4


def test_a_refused_batch_costs_nothing_and_can_be_sent_again(store: Store, provider: str) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, provider)
        server.fail_create = 400
        with pytest.raises(ProviderRefusedError, match="not taken"):
            send(store, options, service)
        spent = store.responses.spent()
        assert (spent.tokens, spent.usd) == (0, 0)
        server.fail_create = None
        assert send(store, options, service) == (4, 1)


def test_an_error_after_it_arrived_holds_it(store: Store, provider: str) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, provider)
        server.fail_create = 500
        with pytest.raises(ProviderRefusedError, match="nobody knows"):
            send(store, options, service)
        assert store.responses.spent().usd > 0, "it may have been billed"
        assert [one.state for one in store.batches.all()] == ["held"]


def test_expired_questions_are_sent_again_and_quarantined_after_three(
    store: Store, provider: str
) -> None:
    with BatchServer(expired) as server:
        options, service = at(server, provider)
        for _ in range(3):
            assert send(store, options, service) == (4, 1)
            assert fetch(store, options, service, PRICES).failed == 4
        assert store.subjects.counts() == {"exemplar": {"quarantined": 4}}
        assert send(store, options, service) == (0, 0)
    assert store.responses.spent().usd == 0


def test_large_batches_are_divided(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, "openai")
        monkeypatch.setattr(OpenAIBatches, "most_rows", 3)
        assert send(store, options, service) == (4, 2)
        assert [len(rows) for rows in server.rows.values()] == [3, 1]
        assert fetch(store, options, service, PRICES).answered == 4


def test_a_run_leaves_what_is_with_the_provider(store: Store, template: Template) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, "openai")
        server.ended = False
        send(store, options, service)
        summary = run_asking(
            store,
            store.subjects.load(),
            chat(server.base_url),
            template=template,
            options=fast(),
        )
        assert (summary.calls, summary.pending) == (0, 4)


def test_forgetting_takes_the_question_along(store: Store) -> None:
    with BatchServer(answered) as server:
        options, service = at(server, "openai")
        send(store, options, service)
        forget_user(store, "u1")
        found = fetch(store, options, service, PRICES)
        assert (found.answered, found.unknown) == (3, 1)
    assert scalar(store, "SELECT count(*) FROM batch_rows") == 3
