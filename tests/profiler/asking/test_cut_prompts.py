"""Prompts that a server cuts are noticed, marked and told of once."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from profiler.asking.ledger.cut_prompts import cut_prompt
from profiler.asking.runner import run_asking
from profiler.llm.port import Message, Reply
from prompts import Template
from tests.asking_store import chat, fast, make_store
from tests.llm_server import Call, LlmServer, Step, reply_body
from tests.profiler.llm.adapters.test_openai import REQUEST


@pytest.mark.parametrize(
    ("letters", "billed", "cut"),
    [
        (30_000, 4_096, True),  # 10,000 tokens by estimate
        (30_000, 6_500, False),  # English
        (30_000, None, False),
        (3_000, 100, False),  # no service cuts a prompt so short
    ],
)
def test_only_what_no_language_explains_is_a_cut(
    letters: int, billed: int | None, cut: bool
) -> None:
    request = replace(REQUEST, messages=(Message("user", "x" * letters),))
    assert (cut_prompt(request, Reply("a", tokens_in=billed)) is not None) == cut


class CutsAt4096(LlmServer):
    """A server with a context of 4,096 tokens, as Ollama has it by default."""

    def _payload(self, call: Call, step: Step) -> tuple[int, dict[str, object]]:
        body = reply_body(call, step)
        body["usage"]["prompt_tokens"] = min(4_096, body["usage"]["prompt_tokens"])
        return 200, body


def test_a_server_that_cuts_prompts_is_told_of_once(
    tmp_path: Path, template: Template, caplog: pytest.LogCaptureFixture
) -> None:
    """Fault: a context of 4,096 cut prompts without a word."""
    title = "A title of many words that say much about a thing and more about nothing " * 2
    with make_store(tmp_path / "s.db", 2, 300, title=title) as store, CutsAt4096() as server:
        options = fast(token_budget=100_000)
        with caplog.at_level(logging.WARNING):
            run_asking(
                store,
                store.subjects.load(),
                chat(server.base_url),
                template=template,
                options=options,
            )
        with store.read() as connection:
            params = connection.exec_driver_sql("SELECT params FROM responses").scalars().all()
    marks = [json.loads(one).get("prompt_cut") for one in params]
    assert all(mark and mark[0] == 4_096 < mark[1] for mark in marks)
    told = [record.message for record in caplog.records if "cuts prompts" in record.message]
    assert len(told) == 1
    assert "num_ctx" in told[0]
