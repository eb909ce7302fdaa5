"""What goes around LangChain is the same call with the same reply."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from profiler.llm.langchain import LangChainPort, open_chat
from profiler.llm.openai import read_completion
from profiler.llm.port import CallError, Message, Reply, Request, ShownSubject
from tests.asking_store import KEY, chat
from tests.llm_server import SPOILT, LlmServer, Step

REQUEST = Request(
    ShownSubject(1, "exemplar", "exemplar:u", ()),
    (
        Message("system", "Be short. Ünïcode"),
        Message("user", "items s1-i1 s1-i2 \u2028 \U0001f600"),
    ),
    {"type": "object", "properties": {}, "additionalProperties": False, "required": []},
    "interests",
    "interests",
    "t",
    "d",
    max_tokens=50,
    seed=7,
)
MODELS = ["gpt-4o-mini", "gpt-3.5-turbo", "o3-mini", "gpt-5-mini", "some/own-model"]


def both(url: str, model: str = "gpt-4o-mini", **options: Any) -> list[LangChainPort]:
    """The same port twice: sending by itself, and through LangChain."""
    ports = [open_chat(f"openai:{model}", base_url=url, **options) for _ in range(2)]
    assert ports[0].direct is not None
    ports[1].direct = None
    return ports


def ask(port: LangChainPort) -> Reply | CallError:
    async def run() -> Reply:
        return await port.ask(REQUEST)

    try:
        return asyncio.run(run())
    except CallError as error:
        return error


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["json_schema", "json_mode", "text"])
def test_the_same_is_sent(model: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-ours")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-ours")
    with LlmServer() as server:
        for port in both(server.base_url, model, method=method):
            assert isinstance(ask(port), Reply)
        direct, through = server.record.calls
    assert direct.body == through.body
    left = {"content-length", "host", "x-stainless-retry-count", "x-stainless-read-timeout"}
    for name in set(through.headers) - left - {"x-stainless-raw-response", "x-stainless-async"}:
        assert direct.headers[name] == through.headers[name], name
    assert direct.headers["authorization"] == f"Bearer {KEY}"
    assert direct.headers["openai-organization"] == "org-ours"
    assert direct.headers["openai-project"] == "proj-ours"


@pytest.mark.parametrize("kind", ["valid", "fenced", *SPOILT])
def test_the_same_reply_comes_back(kind: str) -> None:
    told = (("X-RateLimit-Limit-Requests", "60"),)
    with LlmServer(lambda call: Step(kind, headers=told)) as server:
        direct, through = (ask(port) for port in both(server.base_url))
    assert isinstance(direct, Reply)
    assert isinstance(through, Reply)
    assert direct.headers["x-ratelimit-limit-requests"] == "60"
    assert replace(direct, latency_s=0.0) == replace(through, latency_s=0.0)


@pytest.mark.parametrize(
    "step",
    [
        Step("rate_limited", retry_after=3.5),
        Step("rate_limited_bare"),
        Step("server_error"),
        Step("insufficient_quota"),
        Step("bad_key"),
        Step("unknown_model"),
        Step("too_long"),
        Step("reset"),
        Step("timeout"),
        Step(status=200, error={"message": "upstream failed"}),
        Step(status=400, error={"message": "response_format is not supported"}),
    ],
    ids=lambda step: f"{step.kind}-{step.status}",
)
def test_the_same_failure_comes_back(step: Step) -> None:
    with LlmServer(lambda call: step) as server:
        direct, through = (ask(port) for port in both(server.base_url, timeout=0.5))
    assert isinstance(direct, CallError)
    assert isinstance(through, CallError)
    seen = [(e.outcome, e.status_code, e.retry_after, e.headers) for e in (direct, through)]
    assert seen[0] == seen[1]
    if direct.status_code is not None:
        assert str(direct) == str(through)
    assert direct.__cause__ is None
    assert KEY not in str(direct) + repr(direct.__dict__)


@pytest.mark.parametrize("model", ["openai:gpt-5-pro", "openai:codex-mini-latest"])
def test_another_api_goes_through_langchain(model: str) -> None:
    assert open_chat(model).direct is None


def test_behind_a_proxy_langchain_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert chat("http://127.0.0.1:1/v1").direct is None


def completion(**message: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("abc", "abc"),
        ([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}], "ab"),
    ],
)
def test_contents_in_all_forms(content: Any, text: str) -> None:
    reply = read_completion(completion(content=content), {"A": "1"}, "openai:x", "text", 1.0)
    assert (reply.text, reply.tokens_in, reply.tokens_out) == (text, None, None)
    assert (reply.model, dict(reply.headers)) == ("openai:x", {"a": "1"})


def test_half_a_surrogate_pair_becomes_storable_in_every_text() -> None:
    message = {"content": "a \ud83d", "refusal": "b \ud83d"}
    choice = {"message": message, "finish_reason": "\ude00stop"}
    body = json.dumps({"choices": [choice], "model": "m\ud83d"}).encode()
    reply = read_completion(body, {}, "openai:x", "text", 1.0)
    assert (reply.text, reply.refusal) == ("a ?", "b ?")
    assert (reply.finish_reason, reply.model) == ("?stop", "m?")
    whole = read_completion(completion(content="\U0001f600"), {}, "openai:x", "text", 1.0)
    assert whole.text == "\U0001f600"


def test_what_is_no_text_where_a_text_belongs_is_left_out() -> None:
    message = {"content": "a", "refusal": False}
    choice = {"message": message, "finish_reason": 3}
    body = json.dumps({"choices": [choice], "model": 7}).encode()
    reply = read_completion(body, {}, "openai:x", "text", 1.0)
    assert (reply.text, reply.refusal, reply.finish_reason, reply.model) == ("a", None, None, "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b"null",
        b"{}",
        b'{"choices": null}',
        b'{"choices": []}',
        b'{"choices": [{}]}',
        b'{"choices": [{"message": {"content": "x"',
        completion(content=[1]),
    ],
)
def test_what_is_no_completion_may_pass_later(body: bytes) -> None:
    with pytest.raises(CallError) as caught:
        read_completion(body, {}, "openai:x", "text", 1.0)
    assert caught.value.outcome == "server_error"
    assert caught.value.passing
    assert caught.value.__cause__ is None
