"""What is tried again, how long that waits, and what stops a run at once; on a real server."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from profiler.llm.errors import retry_after
from profiler.llm.port import CallError, Message, Reply, Request
from profiler.llm.registry import open_chat
from profiler.llm.retry import RetryPolicy
from profiler.shown import ShownSubject
from store.errors import ProviderRefusedError, UserError
from tests.asking_store import chat
from tests.llm_server import KINDS, SPOILT, Call, LlmServer, Step

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False, "required": []}


def request(text: str = "items s1-i1 s1-i2") -> Request:
    return Request(
        ShownSubject(1, "exemplar", "exemplar:u", ()),
        (Message("user", text),),
        SCHEMA,
        "interests",
        "interests",
        "t",
        "d",
        max_tokens=50,
        seed=7,
    )


def always(kind: str, **options: Any) -> Any:
    return lambda call: Step(kind, **options)


def ask(port: Any) -> Reply:
    async def run() -> Reply:
        return await port.ask(request())

    # The port is made within the loop that uses it: LangChain keeps clients by address.
    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["valid", "fenced", "trailing_comma", *SPOILT])
def test_text_usage_and_finish_reason_are_kept_whatever_the_answer(kind: str) -> None:
    with LlmServer(always(kind)) as server:
        reply = ask(chat(server.base_url))
    assert reply.finish_reason == ("length" if kind == "truncated" else "stop")
    assert reply.tokens_in == 4
    assert reply.tokens_out is not None
    assert reply.method == "json_schema"
    assert (reply.refusal is not None) == (kind == "refusal")
    assert bool(reply.text) == (kind not in ("empty", "refusal"))


@pytest.mark.parametrize(
    ("kind", "outcome", "status"),
    [
        ("rate_limited", "rate_limited", 429),
        ("rate_limited_bare", "rate_limited", 429),
        ("server_error", "server_error", 500),
        ("reset", "connection", None),
        ("timeout", "timeout", None),
        ("too_long", "bad_request", 400),
        ("insufficient_quota", "provider_refused", 429),
        ("bad_key", "provider_refused", 401),
        ("no_balance", "provider_refused", 402),
        ("unknown_model", "provider_refused", 404),
    ],
)
def test_failures_get_their_word(kind: str, outcome: str, status: int | None) -> None:
    with LlmServer(always(kind, retry_after=3.5)) as server, pytest.raises(CallError) as caught:
        ask(chat(server.base_url, timeout=0.3 if kind == "timeout" else 30))
    assert (caught.value.outcome, caught.value.status_code) == (outcome, status)
    assert caught.value.retry_after == (3.5 if kind == "rate_limited" else None)
    assert caught.value.__cause__ is None
    assert os.environ["OPENAI_API_KEY"] not in repr(caught.value.__dict__) + str(caught.value)


@pytest.mark.parametrize(
    ("status", "passing"),
    [
        (408, True),
        (409, True),
        (429, True),
        (500, True),
        (503, True),
        (529, True),
        (400, False),
        (422, False),
    ],
)
def test_only_passing_statuses_are_tried_again(status: int, passing: bool) -> None:
    error = {"message": "no", "code": None}
    with LlmServer(lambda call: Step(status=status, error=error)) as server:
        port = chat(server.base_url)
        with pytest.raises(CallError):
            asyncio.run(patient().persist(lambda: port.ask(request())))
        assert server.record.total == (6 if passing else 1)


def patient(sleeps: list[float] | None = None) -> RetryPolicy:
    async def sleep(seconds: float) -> None:
        if sleeps is not None:
            sleeps.append(seconds)

    return RetryPolicy(sleep=sleep)


def fail_then_answer(kind: str, times: int, **options: Any) -> Any:
    def script(call: Call) -> Step:
        return Step(kind, **options) if call.nth < times else Step()

    return script


def test_six_attempts_and_no_more_of_the_clients_own() -> None:
    with LlmServer(fail_then_answer("server_error", 5)) as server:
        port = chat(server.base_url)
        reply = asyncio.run(patient().persist(lambda: port.ask(request())))
        assert reply.text
        assert server.record.total == 6


def test_retry_after_is_honoured() -> None:
    sleeps: list[float] = []
    with LlmServer(fail_then_answer("rate_limited", 3, retry_after=7)) as server:
        port = chat(server.base_url)
        asyncio.run(patient(sleeps).persist(lambda: port.ask(request())))
    assert len(sleeps) == 3
    assert all(7 <= wait <= 8 for wait in sleeps)


def test_without_retry_after_simultaneous_failures_spread() -> None:
    sleeps: list[float] = []

    async def fails() -> None:
        raise CallError("rate_limited", "no", status_code=429)

    async def one() -> None:
        with pytest.raises(CallError):
            await patient(sleeps).persist(fails)

    async def all_() -> None:
        await asyncio.gather(*(one() for _ in range(100)))

    asyncio.run(all_())
    first_waits = sleeps[:100]
    assert len(sleeps) == 500
    assert max(first_waits) - min(first_waits) >= 0.8 * 1.0  # uniform over the first second
    assert max(sleeps) <= 60


@pytest.mark.parametrize(
    ("kind", "advice"),
    [
        ("insufficient_quota", "no credit"),
        ("bad_key", "OPENAI_API_KEY"),
        ("unknown_model", "--llm"),
    ],
)
def test_a_refusal_stops_at_once_and_says_what_to_do(kind: str, advice: str) -> None:
    with LlmServer(always(kind)) as server:
        port = chat(server.base_url)
        with pytest.raises(ProviderRefusedError, match=advice):
            asyncio.run(patient().persist(lambda: port.ask(request())))
        assert server.record.total == 1


def test_an_hour_of_retry_after_stops_the_run() -> None:
    with LlmServer(always("rate_limited", retry_after=3_600)) as server:
        port = chat(server.base_url)
        with pytest.raises(ProviderRefusedError, match="3600 s"):
            asyncio.run(patient().persist(lambda: port.ask(request())))
        assert server.record.total == 1


@pytest.mark.parametrize(
    ("method", "sent"),
    [("json_schema", "json_schema"), ("json_mode", "json_object"), ("text", None)],
)
def test_the_method_decides_the_response_format(method: str, sent: str | None) -> None:
    with LlmServer() as server:
        reply = ask(chat(server.base_url, method=method))
        body = server.record.calls[0].body
    assert body.get("response_format", {}).get("type") == sent
    assert reply.method == method
    assert body["max_completion_tokens"] == 50
    assert body["temperature"] == 0
    assert body["seed"] == 7
    assert body["model"] == "gpt-4o-mini"


def test_the_method_is_chosen_per_model() -> None:
    assert open_chat("openai:gpt-4o-mini").method_for(request()) == "json_schema"
    assert open_chat("openai:gpt-3.5-turbo").method_for(request()) == "json_mode"
    assert open_chat("openai:my-own", base_url="http://x/v1").method_for(request()) == "json_schema"


@pytest.mark.parametrize("spec", ["gpt-4o-mini", "nosuchprovider:x"])
def test_a_wrong_model_name_is_a_plain_error(spec: str) -> None:
    with pytest.raises(UserError, match="--llm"):
        open_chat(spec)


def test_a_missing_key_is_a_plain_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UserError, match="key"):
        open_chat("openai:gpt-4o-mini")


def test_a_wrong_method_is_a_plain_error() -> None:
    with pytest.raises(UserError, match="json_schema, json_mode, text"):
        open_chat("openai:gpt-4o-mini", method="magic")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_every_kind_of_misbehaviour_is_scripted() -> None:
    assert len(KINDS) == 17  # valid and sixteen others


def test_behind_a_proxy_the_providers_own_transport_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from profiler.llm.adapters.pooled_http import http_client

    for package in ("openai", "anthropic"):
        monkeypatch.delenv("https_proxy", raising=False)
        assert type(http_client(package)._transport).__name__ == "Pools"
        monkeypatch.setenv("https_proxy", "http://proxy:3128")
        assert type(http_client(package)._transport).__name__ != "Pools"


def test_many_calls_at_once_over_several_pools() -> None:
    with LlmServer(latency=0.02) as server:
        port = chat(server.base_url)

        async def run() -> list[Reply]:
            return await asyncio.gather(*(port.ask(request()) for _ in range(80)))

        replies = asyncio.run(run())
    assert all(reply.text for reply in replies)
    assert server.record.most_in_flight > 40
