"""Options of a model: what is sent, what is part of an address, what is refused."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from profiler.asking.runner import run_asking
from profiler.commands.options import ModelOptions, temperature_of
from profiler.exchange.batch_options import BatchOptions
from profiler.llm.model_options import changing_options, merged, read_options
from profiler.llm.port import address
from profiler.llm.registry import open_chat
from prompts import Template, load_template
from store.errors import ProviderRefusedError, UserError
from tests.asking_store import chat, fast, make_store
from tests.llm_server import LlmServer, Step
from tests.profiler.llm.adapters.test_openai import REQUEST
from tests.test_cli import loaded

LOW = {"reasoning_effort": "low"}


def test_values_are_json_where_they_can_be() -> None:
    given = ["reasoning_effort=low", "think=false", "top_p=0.5", "a.b=1", 'a.c={"d": [2]}', "s=x=y"]
    assert read_options(given) == {
        "reasoning_effort": "low",
        "think": False,
        "top_p": 0.5,
        "a": {"b": 1, "c": {"d": [2]}},
        "s": "x=y",
    }


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("nothing", "write NAME=VALUE"),
        ("=sk-lost-its-name", "write NAME=VALUE"),
        ("a..b=xyzzy", "write NAME=VALUE"),
        ("temperature=0.125", "use --temperature"),
        ("max_tokens=987", "use --max-tokens"),
        ("response_format=xyzzy", "use --method"),
        ("messages=[]", "this program decides that"),
        ("api_key=sk-secret-0123456789", "names a key"),
        ("extra.Authorization=Bearer x", "names a key"),
        ("proxy=http://me:hunter2pass@proxy", "holds a key or password"),
        ("user=sk-environment-0123456789", "holds a key or password"),
    ],
)
def test_what_is_no_option_is_refused_without_its_value(
    pair: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-environment-0123456789")
    with pytest.raises(UserError, match=told) as caught:
        read_options([pair])
    value = pair.partition("=")[2]
    assert not value or value not in str(caught.value)


def test_a_value_and_options_below_it_exclude_each_other() -> None:
    with pytest.raises(UserError, match="a has a value"):
        read_options(["a=1", "a.b=2"])


def test_objects_are_merged_and_values_replaced() -> None:
    body = {"config": {"format": 1, "effort": "high"}, "seed": 1}
    assert merged(body, {"config": {"effort": "low"}, "seed": 2}) == {
        "config": {"format": 1, "effort": "low"},
        "seed": 2,
    }


def test_only_what_changes_an_answer_is_part_of_its_address() -> None:
    """What was paid for before there were options is found; what other options made is not."""
    assert changing_options({"user": "me", "metadata": {"a": 1}, "thinking": {"type": "on"}}) == {
        "thinking.type": "on"
    }
    plain = address(open_chat("openai:gpt-5"), REQUEST)
    filed = open_chat("openai:gpt-5", options={"service_tier": "flex"}, timeout=7)
    assert address(filed, REQUEST) == plain
    low = open_chat("openai:gpt-5", options=LOW)
    assert address(low, REQUEST) != plain
    assert address(low, REQUEST) == address(open_chat("openai:gpt-5", options=LOW), REQUEST)


def test_a_batch_finds_the_answers_of_a_run_with_the_same_options() -> None:
    templates = {"exemplar": load_template("exemplar_interests")}
    port = open_chat("openai:gpt-5", options=LOW)
    batch = BatchOptions("openai:gpt-5", templates, load_template("reask"), options=LOW)
    to = batch.addressee
    assert REQUEST.digest(to.model, to.base_url, to.params(REQUEST)) == address(port, REQUEST)
    again = BatchOptions.from_config(json.loads(json.dumps(batch.as_config())))
    assert (again.options, again.params) == (batch.options, batch.params)


def test_options_are_sent() -> None:
    with LlmServer() as server:
        port = chat(server.base_url, options={**LOW, "extra": {"deep": 1}})
        asyncio.run(port.ask(REQUEST))
        body = server.record.calls[0].body
    assert (body["reasoning_effort"], body["extra"]) == ("low", {"deep": 1})


def test_an_option_that_the_service_refuses_ends_the_run(
    tmp_path: Path, template: Template
) -> None:
    """Else every subject would be quarantined for what one word on the command line did."""
    error = {"message": "Unrecognized request argument supplied: reasoning_effort"}
    with (
        make_store(tmp_path / "s.db", 3) as store,
        LlmServer(lambda call: Step(status=400, error=error)) as server,
    ):
        port = chat(server.base_url, options=LOW)
        with pytest.raises(ProviderRefusedError, match="does not take model_option=reasoning_eff"):
            run_asking(store, store.subjects.load(), port, template=template, options=fast())
        assert store.subjects.counts()["exemplar"]["pending"] == 3


@pytest.mark.parametrize(
    ("text", "value"), [("none", None), ("None", None), ("0", 0), ("1.5", 1.5)]
)
def test_a_temperature_is_a_number_or_none(text: str, value: float | None) -> None:
    assert temperature_of(text) == value


@pytest.mark.parametrize("text", ["-1", "warm", "inf", "nan", ""])
def test_what_is_no_temperature_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="write a number from 0 on, or none"):
        temperature_of(text)


def test_a_temperature_of_none_is_another_question() -> None:
    port = open_chat("openai:gpt-4o-mini")
    assert address(port, replace(REQUEST, temperature=None)) != address(port, REQUEST)


def test_options_need_a_model() -> None:
    for options in ({"model_option": ["a=1"]}, {"timeout": 5.0}, {"base_url": "http://x"}):
        with pytest.raises(UserError, match="need --llm"):
            ModelOptions(**options).open()  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["build", "retry", "ask", "describe", "requests"])
def test_every_command_that_asks_takes_them(command: str) -> None:
    names = {name for one in loaded("profiler", command).params for name in one.opts}
    wanted = {"--model-option", "--temperature"}
    wanted |= set() if command == "requests" else {"--timeout"}  # nothing is called
    assert wanted <= names


def opened(*arguments: str) -> Any:
    """The port that a command line opens."""
    from store.console.options import grouped

    found: list[Any] = []
    app = typer.Typer()

    @app.command()
    @grouped
    def run(model: ModelOptions) -> None:
        found.append(model.open())

    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return found[0]


def test_a_command_line_becomes_a_port() -> None:
    port = opened(
        *("--llm", "openai:gpt-5", "--timeout", "600"),
        *("--model-option", "reasoning_effort=low", "--model-option", "user=me"),
    )
    assert port.timeout.given == 600
    assert port.params == {"method": "json_schema", "options": LOW}
