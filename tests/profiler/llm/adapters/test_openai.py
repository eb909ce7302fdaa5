"""What OpenAI's client is told to send, and what is read in what comes back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from profiler.llm.adapters import completions
from profiler.llm.adapters.reading import Received, read
from profiler.llm.port import CallError, ChatPort, Message, Reply, Request
from profiler.llm.registry import open_chat
from profiler.shown import ShownSubject
from tests.asking_store import KEY, chat
from tests.llm_server import SPOILT, Call, LlmServer, Step

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
NO_TEMPERATURE = ("o3-mini", "gpt-5-mini")


def both(url: str, model: str = "gpt-4o-mini", **options: Any) -> list[ChatPort]:
    """The same model twice: called by OpenAI's client, and through LangChain."""
    direct = open_chat(f"openai:{model}", base_url=url, **options)
    return [direct, open_chat(f"openai:{model}", base_url=url, adapter="langchain", **options)]


def ask(port: ChatPort, request: Request = REQUEST) -> Reply | CallError:
    async def run() -> Reply:
        return await port.ask(request)

    try:
        return asyncio.run(run())
    except CallError as error:
        return error


def sent(model: str, **options: Any) -> Call:
    with LlmServer() as server:
        assert isinstance(
            ask(open_chat(f"openai:{model}", base_url=server.base_url, **options)), Reply
        )
        return server.record.calls[0]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("method", ["json_schema", "json_mode", "text"])
def test_what_is_sent(model: str, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-ours")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-ours")
    call = sent(model, method=method)
    own = model == "some/own-model"
    # A server on this machine may only know the old name of the limit.
    limits = ["max_tokens"] if own else ["max_completion_tokens", "max_tokens"]
    schema = {"name": "interests", "schema": REQUEST.schema, "strict": True}
    formats: dict[str, Any] = {
        "json_schema": {"response_format": {"type": "json_schema", "json_schema": schema}},
        "json_mode": {"response_format": {"type": "json_object"}},
        "text": {},
    }
    assert call.body == {
        "model": model,
        "messages": [{"role": one.role, "content": one.content} for one in REQUEST.messages],
        **dict.fromkeys(limits, 50),
        **({} if model in NO_TEMPERATURE else {"temperature": 0.0}),
        "seed": 7,
        **formats[method],
    }
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["openai-organization"] == "org-ours"
    assert call.headers["openai-project"] == "proj-ours"


@pytest.mark.parametrize("method", ["json_schema", "json_mode", "text"])
def test_langchain_sends_the_same_words(method: str) -> None:
    with LlmServer() as server:
        for port in both(server.base_url, method=method):
            assert isinstance(ask(port), Reply)
        direct, through = (call.body for call in server.record.calls)
    for name in ("model", "messages", "max_completion_tokens", "temperature", "seed"):
        assert direct[name] == through[name], name
    assert direct.get("response_format") == through.get("response_format")


def test_a_temperature_of_none_is_not_sent() -> None:
    with LlmServer() as server:
        for port in both(server.base_url):
            assert isinstance(ask(port, replace(REQUEST, temperature=None, seed=None)), Reply)
        for call in server.record.calls:
            assert "temperature" not in call.body
            assert call.body.get("seed") is None


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


def test_one_port_serves_several_loops() -> None:
    """Connections belong to a loop: a notebook calls again and again from new ones."""
    with LlmServer() as server:
        port = chat(server.base_url)
        assert all(isinstance(ask(port), Reply) for _ in range(3))


def completion(**message: Any) -> bytes:
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()


def read_completion(content: bytes, headers: dict[str, str]) -> Reply:
    return read(Received(content, headers, completions.read_document), "openai:x", "text", 1.0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("abc", "abc"),
        ([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}], "ab"),
    ],
)
def test_contents_in_all_forms(content: Any, text: str) -> None:
    reply = read_completion(completion(content=content), {"A": "1"})
    assert (reply.text, reply.tokens_in, reply.tokens_out) == (text, None, None)
    assert (reply.model, dict(reply.headers)) == ("openai:x", {"a": "1"})


def test_half_a_surrogate_pair_becomes_storable_in_every_text() -> None:
    message = {"content": "a \ud83d", "refusal": "b \ud83d"}
    choice = {"message": message, "finish_reason": "\ude00stop"}
    body = json.dumps({"choices": [choice], "model": "m\ud83d"}).encode()
    reply = read_completion(body, {})
    assert (reply.text, reply.refusal) == ("a ?", "b ?")
    assert (reply.finish_reason, reply.model) == ("?stop", "m?")
    whole = read_completion(completion(content="\U0001f600"), {})
    assert whole.text == "\U0001f600"


def test_what_is_no_text_where_a_text_belongs_is_left_out() -> None:
    message = {"content": "a", "refusal": False}
    choice = {"message": message, "finish_reason": 3}
    body = json.dumps({"choices": [choice], "model": 7}).encode()
    reply = read_completion(body, {})
    assert (reply.text, reply.refusal, reply.finish_reason) == ("a", None, None)
    assert reply.model == "openai:x"


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
        read_completion(body, {})
    assert caught.value.outcome == "server_error"
    assert caught.value.passing
    assert caught.value.__cause__ is None
