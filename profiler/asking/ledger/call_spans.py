"""Spans of calls to language models, named as OpenTelemetry's conventions for them want it.

Neither prompts nor answers are in a span, unless the environment asks for them by the variable that
these conventions name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

from profiler.llm.port import OFFLINE, ChatPort, Reply, Request
from profiler.llm.prices import Prices
from store.telemetry.spans import Span, Value, span

TEXTS = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

_calls: ContextVar[list[None] | None] = ContextVar("calls", default=None)
"""One entry for each call that was made for the question at hand."""


@contextmanager
def one_question() -> Iterator[None]:
    """Count the calls made for one question, so that each tells how often it was asked before."""
    token = _calls.set([])
    try:
        yield
    finally:
        _calls.reset(token)


async def ask_traced(port: ChatPort, request: Request, prices: Prices) -> Reply:
    """Ask a port and trace the call; the extractor, which is no language model, is not traced.

    Raises
    ------
    CallError
        No answer came; the span has its outcome as ``error.type``.
    """
    if port.name == OFFLINE:
        return await port.ask(request)
    provider, _, model = port.name.partition(":")
    before = _calls.get()
    facts: dict[str, Value | None] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
        "gen_ai.request.seed": request.seed,
        "server.address": urlsplit(port.base_url).hostname if port.base_url else None,
        "http.request.resend_count": len(before) if before else None,
        "interest_profiler.task": request.task,
        "interest_profiler.template": request.template,
    }
    if before is not None:
        before.append(None)
    with span(f"chat {model}", facts, kind="client") as one:
        if _texts_wanted():
            told = [{"role": turn.role, "content": turn.content} for turn in request.messages]
            one.set_attribute("gen_ai.input.messages", json.dumps(told, ensure_ascii=False))
        reply = await port.ask(request)
        _tell(one, reply, port.name, prices)
        return reply


def _tell(one: Span, reply: Reply, model: str, prices: Prices) -> None:
    cost = reply.cost_usd
    if cost is None:
        cost = prices.cost(model, reply.tokens_in, reply.tokens_out, cached=reply.tokens_cached)
    facts: dict[str, Value | None] = {
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": [reply.finish_reason] if reply.finish_reason else None,
        "gen_ai.usage.input_tokens": reply.tokens_in,
        "gen_ai.usage.output_tokens": reply.tokens_out,
        "gen_ai.usage.cache_read.input_tokens": reply.tokens_cached,
        "interest_profiler.cost_usd": cost,
    }
    if _texts_wanted():
        said = [{"role": "assistant", "content": reply.text}]
        facts["gen_ai.output.messages"] = json.dumps(said, ensure_ascii=False)
    for key, value in facts.items():
        if value is not None:
            one.set_attribute(key, value)


def _texts_wanted() -> bool:
    return os.environ.get(TEXTS, "").strip().lower() in ("1", "true", "yes")
