"""What a trace tells of calls: model, tokens, cost, retries and errors; texts only when asked."""

from __future__ import annotations

import json

import pytest

from profiler.asking.ledger.call_spans import TEXTS
from profiler.asking.runner import run_asking
from store.telemetry import spans
from tests.asking_store import KEY, chat, fast, make_store
from tests.llm_server import LlmServer, Step


@pytest.fixture
def seen(monkeypatch):
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'interest-profiler[otel]'")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(spans, "tracer", lambda: provider.get_tracer("tests"))
    return memory.get_finished_spans


def asked(tmp_path, template, *outcomes):
    with (
        LlmServer(lambda call: Step([*outcomes, "valid"][call.nth])) as server,
        make_store(tmp_path / "s.db", 1, title="Secret Title") as store,
        spans.span("whole"),
    ):
        subjects = store.subjects.load()
        run_asking(store, subjects, chat(server.base_url), template=template, options=fast())


def test_model_tokens_cost_and_retries(seen, tmp_path, template):
    """Fault: calls of the other thread hung beside the build, and a retry looked like the first."""
    asked(tmp_path, template, "server_error", "rate_limited")
    *calls, whole = seen()
    assert whole.name == "whole"
    assert [one.name for one in calls] == ["chat gpt-4o-mini"] * 3
    assert {one.parent.span_id for one in calls} == {whole.context.span_id}
    assert [one.attributes.get("error.type") for one in calls] == [
        "server_error",
        "rate_limited",
        None,
    ]
    resent = [one.attributes.get("http.request.resend_count") for one in calls]
    assert resent == [None, 1, 2]
    last = calls[-1].attributes
    assert last["gen_ai.provider.name"] == "openai"
    assert last["gen_ai.request.model"] == "gpt-4o-mini"
    tokens = last["gen_ai.usage.input_tokens"], last["gen_ai.usage.output_tokens"]
    assert min(tokens) > 0
    expected = (tokens[0] * 1.0 + tokens[1] * 2.0) / 1e6
    assert last["interest_profiler.cost_usd"] == pytest.approx(expected)
    assert last["server.address"] == "127.0.0.1"


def test_no_text_and_no_name_unless_asked_for(seen, tmp_path, template, monkeypatch):
    """Fault: a prompt, an answer or a user's id was in a trace."""
    monkeypatch.delenv(TEXTS, raising=False)
    asked(tmp_path, template)
    told = "".join(one.to_json() for one in seen())
    for text in ("Secret Title", "exemplar:u0", "s0-i0", KEY, "messages"):
        assert text not in told


def test_texts_where_the_environment_asks(seen, tmp_path, template, monkeypatch):
    monkeypatch.setenv(TEXTS, "true")
    asked(tmp_path, template)
    call = seen()[0].attributes
    prompt = json.loads(call["gen_ai.input.messages"])
    assert any("Secret Title" in turn["content"] for turn in prompt)
    assert json.loads(call["gen_ai.output.messages"])[0]["content"]
    assert KEY not in seen()[0].to_json()
