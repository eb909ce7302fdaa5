"""What is known of models: the table, what `profiler models` prints of it, what a store learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiler.commands.reading.models import models
from profiler.known_models import known_model, known_models
from profiler.llm.models import load_models
from profiler.llm.prices import load_prices
from store.errors import UserError
from tests.asking_store import make_store

TABLES, PRICES = load_models(), load_prices()


@pytest.mark.parametrize(
    ("name", "temperature", "context", "first"),
    [
        ("anthropic:claude-opus-4-8", False, 1_000_000, "json_schema"),
        ("anthropic:claude-sonnet-5-5", False, 1_000_000, "json_schema"),
        ("anthropic:claude-haiku-4-5-20251001", True, 200_000, "json_schema"),
        ("anthropic:claude-3-haiku-20240307", True, 200_000, "text"),
        ("bedrock_converse:eu.anthropic.claude-opus-5", False, 1_000_000, "json_schema"),
        ("bedrock_converse:amazon.nova-lite-v1:0", True, 300_000, "text"),
        ("google_genai:gemini-3.8-flash", True, 1_048_576, "json_schema"),
        ("openrouter:anthropic/claude-opus-5", False, 1_000_000, "json_schema"),
        ("openrouter:openai/gpt-5-mini", False, None, "json_schema"),
        ("groq:llama-3.3-70b-versatile", True, 131_072, "json_mode"),
        ("groq:openai/gpt-oss-20b", True, 131_072, "json_schema"),
        ("xai:grok-4.5", True, 500_000, "json_schema"),
        ("deepseek:deepseek-v4-pro", True, 1_000_000, "json_mode"),
        ("mistralai:mistral-small-latest", True, 256_000, "json_schema"),
        ("ollama:llama3.2", True, None, "json_schema"),
    ],
)
def test_facts_of_current_models(
    name: str, temperature: bool, context: int | None, first: str
) -> None:
    """Fault: Claude Opus 4.7 and later refuse the temperature that was always sent."""
    found = known_model(name, TABLES, PRICES, {})
    assert (found.temperature, found.context, found.methods[0]) == (temperature, context, first)


def test_a_table_of_ones_own_goes_first(tmp_path: Path) -> None:
    own = tmp_path / "m.yaml"
    own.write_text("as_of: 2027-01-01\nmodels:\n  anthropic:claude-opus-5: {context: 5}\n")
    found = known_model("anthropic:claude-opus-5", load_models(own), PRICES, {})
    assert (found.context, found.temperature, found.longest) == (5, False, 128_000)


def test_what_was_learned_is_told_by_address() -> None:
    learned = {
        "openai:x http://h/v1": {"refused": ["seed"], "methods": []},
        "openai:x": {"refused": [], "methods": ["json_schema"]},
        "openai:xy": {"refused": ["temperature"], "methods": []},
    }
    found = known_model("openai:x", TABLES, PRICES, learned)
    assert found.learned == {
        "http://h/v1": {"refused": ["seed"], "methods": []},
        "": {"refused": [], "methods": ["json_schema"]},
    }
    assert "openai:xy" in {one.name for one in known_models(TABLES, PRICES, learned, "openai")}


def test_the_command_tells_of_one_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with make_store(tmp_path / "s.db", 1) as store, store.write():
        store.set_meta(learned_models={"openai:gpt-5": {"refused": ["seed"], "methods": []}})
    models("openai:gpt-5", store=tmp_path / "s.db")
    told = capsys.readouterr().out
    assert "not taken, so not sent" in told
    assert "$1.25 in, $10 out" in told
    assert "does not take seed" in told
    models("openai:gpt-5", json=True)
    document = json.loads(capsys.readouterr().out)
    assert (document["input_usd"], document["learned"]) == (1.25, {})
    assert document["as_of"] == TABLES.as_of.isoformat()


def test_the_command_lists_a_provider(capsys: pytest.CaptureFixture[str]) -> None:
    models("anthropic", json=True)
    names = [row["name"] for row in json.loads(capsys.readouterr().out)["models"]]
    assert names
    assert all(name.startswith("anthropic:") for name in names)
    models("openai:no-such-model")
    assert "in no table" in capsys.readouterr().err
    with pytest.raises(UserError, match="did you mean 'anthropic'"):
        models("antropic")
