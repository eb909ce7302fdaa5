"""Batch rows in each provider's own form, as the providers' references show them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import cli
from profiler.asking.runner import run_asking
from profiler.exchange.batch_options import BatchOptions
from profiler.exchange.batch_rows import Arrived, Failed, address_of, custom_id, read_row
from profiler.exchange.batches import import_responses, write_requests
from profiler.llm.registry import method_for, open_chat
from prompts import Template, load_template
from store.store import Store
from tests.asking_store import fast, make_store, prices, scalar

ID = "ab" * 32
TEXT = '{"interests": []}'
USAGE = {"input_tokens": 11, "output_tokens": 5}


def anthropic(result: dict[str, Any]) -> dict[str, Any]:
    return {"custom_id": ID, "result": result}


def openai(body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "batch_req_1", "custom_id": ID, "response": response, "error": None}


MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": TEXT[:5]}, {"type": "text", "text": TEXT[5:]}],
    "stop_reason": "end_turn",
    "usage": USAGE,
}
PARTS = {
    "model": "gpt-4o-mini",
    "choices": [
        {"message": {"content": [{"type": "text", "text": TEXT}]}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 5},
}
RESPONSE = {
    "object": "response",
    "status": "completed",
    "model": "gpt-5-pro",
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "content": [{"type": "output_text", "text": TEXT}]},
    ],
    "usage": USAGE,
}
GEMINI = {
    "candidates": [
        {"content": {"parts": [{"text": TEXT}], "role": "model"}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 5},
    "modelVersion": "gemini-2.5-flash",
}


@pytest.mark.parametrize(
    "row",
    [
        anthropic({"type": "succeeded", "message": MESSAGE}),
        openai(PARTS),
        openai(RESPONSE),
        {"key": ID, "response": GEMINI},
        {"metadata": {"key": ID}, "response": GEMINI},
    ],
    ids=["anthropic", "parts", "responses", "gemini", "gemini in line"],
)
def test_an_answer_is_read_from_every_providers_row(row: dict[str, Any]) -> None:
    # Anthropic's were reported as failures, parts stored as an empty text, the rest unreadable.
    found = read_row(row)
    assert isinstance(found, Arrived)
    assert found.address == "s256:" + ID
    assert found.reply.text == TEXT
    assert (found.reply.tokens_in, found.reply.tokens_out) == (11, 5)


@pytest.mark.parametrize(
    ("row", "outcome", "reason", "final"),
    [
        (anthropic({"type": "expired"}), "expired", "expired", False),
        (anthropic({"type": "canceled"}), "canceled", "canceled", False),
        (
            anthropic(
                {
                    "type": "errored",
                    "error": {
                        "type": "error",
                        "error": {
                            "type": "invalid_request_error",
                            "message": "max_tokens: too big",
                        },
                    },
                }
            ),
            "errored",
            "max_tokens: too big",
            True,
        ),
        (
            anthropic({"type": "errored", "error": {"error": {"type": "api_error"}}}),
            "errored",
            "api_error",
            False,
        ),
        (
            {
                "custom_id": ID,
                "response": None,
                "error": {"code": "batch_expired", "message": "not done in 24h"},
            },
            "expired",
            "not done in 24h",
            False,
        ),
        (
            {"custom_id": ID, "response": None, "error": {"code": "batch_cancelled"}},
            "canceled",
            "batch_cancelled",
            False,
        ),
        (openai({"error": {"message": "bad schema"}}, 400), "errored", "bad schema", True),
        (openai({"error": {"message": "overloaded"}}, 503), "errored", "overloaded", False),
        ({"key": ID, "error": {"code": 13, "message": "internal"}}, "errored", "internal", False),
        (
            openai({**PARTS, "choices": [{"message": {}, "finish_reason": "error"}]}),
            "errored",
            "the answer was broken off: 'error'",
            False,
        ),
    ],
)
def test_a_failure_says_what_it_is(
    row: dict[str, Any], outcome: str, reason: str, *, final: bool
) -> None:
    assert read_row(row) == Failed("s256:" + ID, outcome, reason, final)


def test_names_are_short_and_old_ones_are_understood() -> None:
    address = "s256:" + ID
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", custom_id(address))
    assert address_of(custom_id(address)) == address_of(address) == address
    assert address_of("somebody-elses") == "somebody-elses"


def options(llm: str, **more: Any) -> BatchOptions:
    template = load_template("exemplar_interests")
    return BatchOptions(
        llm=llm,
        templates={"exemplar": template},
        reask=load_template("reask"),
        **{"method": method_for(llm), **more},
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path / "s.db", 2)


def rows(store: Store, out: Path, llm: str, **more: Any) -> list[dict[str, Any]]:
    write_requests(store, out, options(llm), overwrite=True, **more)
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def test_rows_are_written_in_the_providers_own_form(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "r.jsonl"
    first = rows(store, out, "anthropic:claude-haiku-4-5")[0]
    assert set(first) == {"custom_id", "params"}
    assert first["params"]["model"] == "claude-haiku-4-5"
    assert first["params"]["max_tokens"] == 2000
    assert {turn["role"] for turn in first["params"]["messages"]} == {"user"}
    assert first["params"]["system"]

    first = rows(store, out, "google_genai:gemini-2.5-flash")[0]
    assert set(first) == {"key", "request"}
    assert first["request"]["generationConfig"]["maxOutputTokens"] == 2000
    assert first["request"]["systemInstruction"]["parts"][0]["text"]
    assert "Item 0 0" in first["request"]["contents"][0]["parts"][0]["text"]
    assert not any("_" in name for name in first["request"]["generationConfig"])

    first = rows(store, out, "openai:gpt-5-pro")[0]
    assert first["url"] == "/v1/responses"
    assert first["body"]["max_output_tokens"] == 2000

    first = rows(store, out, "openai:gpt-4o-mini", form="openai-responses")[0]
    assert first["url"] == "/v1/responses"
    # gpt-5 refuses a temperature; every row carried one
    assert "temperature" not in rows(store, out, "openai:gpt-5-mini")[0]["body"]


@pytest.mark.parametrize("llm", ["anthropic:claude-haiku-4-5", "openai:gpt-4o-mini"])
def test_a_run_finds_what_was_imported(
    store: Store, tmp_path: Path, template: Template, llm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `requests` without the package chose another method than the run: paid answers were not found.
    written = rows(store, tmp_path / "r.jsonl", llm)
    answers = []
    for row in written:
        shown = [int(number) for number in re.findall(r"\[(\d+)\] Item", json.dumps(row))]
        interest = {"label": "A taste", "description": "What is liked.", "evidence": shown[:3]}
        text = json.dumps({"interests": [interest]})
        message = MESSAGE | {"content": [{"type": "text", "text": text}]}
        answers.append(
            {
                "custom_id": row["custom_id"],
                "result": {"type": "succeeded", "message": message},
            }
        )
    file = tmp_path / "answers.jsonl"
    lines = [json.dumps(answer) for answer in answers]
    file.write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode())  # a BOM lost the first row
    report = import_responses(store, file, prices())
    assert (report.new, report.ok, report.notes) == (2, 2, [])
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE subjects SET state = 'pending'")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
    port = open_chat(llm)
    summary = run_asking(store, store.subjects.load(), port, template=template, options=fast())
    assert (summary.calls, summary.cached, summary.ok) == (0, 2, 2)
    assert scalar(store, "SELECT DISTINCT method FROM responses") == "import"


def test_a_file_of_failures_alone_is_a_failure_with_its_reasons(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # It exited with 0.
    written = rows(store, tmp_path / "r.jsonl", "anthropic:claude-haiku-4-5")
    failures = [{"custom_id": row["custom_id"], "result": {"type": "expired"}} for row in written]
    file = tmp_path / "answers.jsonl"
    file.write_text("\n".join(map(json.dumps, failures)), "utf-8")
    store.close()
    arguments = ["import-responses", str(file), "--store", str(tmp_path / "s.db")]
    assert cli.run(cli.profiler_app, "profiler", arguments) == 2
    assert "answered none of the 2 questions" in (said := capsys.readouterr().err)
    assert "2 × expired" in said
