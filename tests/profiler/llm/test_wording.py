"""What a service refuses is learned once, recorded, and not asked for again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from profiler.asking.runner import run_asking
from profiler.llm.models import load_models
from prompts import Template
from store.errors import ProviderRefusedError
from store.store import Store
from tests.asking_store import chat, fast, make_store, scalar
from tests.llm_server import Call, LlmServer, Step

# As OpenAI, Azure, Anthropic's gateway, Mistral and vLLM word it.
REFUSALS: dict[str, tuple[int, dict[str, Any]]] = {
    "openai": (
        400,
        {
            "message": "Unsupported value: 'temperature' does not support 0.0 with this model. "
            "Only the default (1) value is supported.",
            "param": "temperature",
            "code": "unsupported_value",
        },
    ),
    "parameter": (
        400,
        {
            "message": "Unsupported parameter: 'temperature' is not supported with this model.",
            "param": "temperature",
            "code": "unsupported_parameter",
        },
    ),
    "gateway": (400, {"message": "`temperature` is deprecated for this model."}),
    "mistral": (
        422,
        {
            "message": {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "temperature"],
                        "msg": "Extra inputs are not permitted",
                        "input": 0.0,
                    }
                ]
            }
        },
    ),
}


def ask(
    store: Store, server: LlmServer, template: Template, limit: int = 2_000, **options: Any
) -> Any:
    return run_asking(
        store,
        store.subjects.load(),
        chat(server.base_url, **options),
        template=template,
        options=fast(concurrency=1, max_tokens=limit),
    )


@pytest.mark.parametrize("how", REFUSALS)
def test_a_temperature_that_is_refused_is_left_out(
    tmp_path: Path, template: Template, how: str
) -> None:
    """Fault: `temperature: 0.0` was always sent; five priced models refuse it."""
    status, error = REFUSALS[how]

    def script(call: Call) -> Step:
        return Step(status=status, error=error) if "temperature" in call.body else Step()

    with make_store(tmp_path / "s.db", 4) as store, LlmServer(script) as server:
        summary = ask(store, server, template)
        assert (summary.ok, summary.calls, summary.failed_calls) == (4, 5, 1)
        assert scalar(store, "SELECT outcome FROM attempts ORDER BY 1 DESC") == "unsupported"
        assert store.responses.spent().tokens == summary.tokens  # a refused call is free
    with make_store(tmp_path / "t.db", 2) as store, LlmServer(script) as server:
        ask(store, server, template)
        before = server.record.total
        ask(store, server, template, limit=999)  # another run, other questions
        assert server.record.total - before == 2, "recorded: not learned again"


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5-mini", "gpt-5-nano", "o3", "o4-mini"])
def test_known_models_are_not_sent_a_temperature(model: str) -> None:
    assert not load_models().facts("openai", model).temperature
    assert load_models().facts("openai", "gpt-4o-mini").temperature
    assert load_models().facts("openai", "gpt-5-chat-latest").temperature


def test_the_method_falls_back_where_the_service_refuses_it(
    tmp_path: Path, template: Template
) -> None:
    def script(call: Call) -> Step:
        kind = call.body.get("response_format", {}).get("type")
        if kind == "json_schema":
            return Step(status=400, error={"message": "response_format json_schema unavailable"})
        if kind == "json_object":
            return Step(status=400, error={"message": "'response_format' is not supported"})
        return Step()

    with make_store(tmp_path / "s.db", 3) as store, LlmServer(script) as server:
        summary = ask(store, server, template)
        assert (summary.ok, summary.calls, summary.failed_calls) == (3, 5, 2)
        assert scalar(store, "SELECT group_concat(DISTINCT method) FROM responses") == "text"
        again = ask(store, server, template)
        assert again.calls == 0


def test_a_method_that_was_chosen_is_not_exchanged(tmp_path: Path, template: Template) -> None:
    error = {"message": "response_format is not supported"}
    with (
        make_store(tmp_path / "s.db", 1) as store,
        LlmServer(lambda call: Step(status=400, error=error)) as server,
        pytest.raises(ProviderRefusedError, match="--method json_mode or text"),
    ):
        ask(store, server, template, method="json_schema")
    assert server.record.total == 1


def test_the_limit_goes_by_its_other_name_but_never_without(
    tmp_path: Path, template: Template
) -> None:
    """Fault: Mistral's server answers 422 to `max_completion_tokens`; others know only it."""

    def script(call: Call) -> Step:
        extra = {"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"]}
        if "max_completion_tokens" in call.body:
            said = {"message": f"{extra} Extra inputs are not permitted"}
            return Step(status=422, error=said)
        return Step()

    with make_store(tmp_path / "s.db", 2) as store, LlmServer(script) as server:
        assert ask(store, server, template).ok == 2
        assert all("max_tokens" in call.body for call in server.record.calls[1:])

    def neither(call: Call) -> Step:
        name = "max_tokens" if "max_tokens" in call.body else "max_completion_tokens"
        return Step(status=400, error={"message": f"Unsupported parameter: '{name}'"})

    with make_store(tmp_path / "t.db", 1) as store, LlmServer(neither) as server:
        assert ask(store, server, template).quarantined == 1
        assert all(
            {"max_tokens", "max_completion_tokens"} & set(call.body) for call in server.record.calls
        )


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 90000. This model supports at most 4096 completion tokens",
        "This model's maximum context length is 4096 tokens; max_tokens is not supported there",
        "Invalid schema for response_format 'interests': 'maxItems' is not permitted",
    ],
)
def test_a_value_out_of_range_is_no_refusal_of_the_parameter(
    tmp_path: Path, template: Template, message: str
) -> None:
    with (
        make_store(tmp_path / "s.db", 1) as store,
        LlmServer(lambda call: Step(status=400, error={"message": message})) as server,
    ):
        assert ask(store, server, template).quarantined == 1
        assert server.record.total == 1


def test_a_local_server_is_told_the_limit_under_both_names() -> None:
    facts = load_models().facts
    both = ("max_completion_tokens", "max_tokens")
    assert facts("openai", "gpt-4o-mini", "http://127.0.0.1:8000/v1").limits == both
    assert facts("openai", "qwen2.5:7b", "http://127.0.0.1:11434/v1").limits == ("max_tokens",)
    assert facts("openai", "gpt-4o-mini", None).limits == ("max_completion_tokens",)
    assert facts("openai", "gpt-5", "https://gateway.corp/v1").limits == ("max_completion_tokens",)
    assert facts("mistralai", "mistral-small-latest").limits == ("max_tokens",)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://10.0.0.7/v1"]
)
def test_a_local_server_needs_no_key(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert chat(url).base_url == url
