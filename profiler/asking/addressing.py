"""What a request is to a port: its address, its size, and what the store keeps of it."""

from __future__ import annotations

from typing import Any

from profiler.llm.budget import Cost
from profiler.llm.port import ChatPort, Request
from profiler.llm.prices import Prices
from prompts.items import estimate_tokens
from store.digests import canonical_json
from store.tables.ledger import Prompt

PER_MESSAGE = 8


def sent_params(port: ChatPort, request: Request) -> dict[str, Any]:
    """Options that change what is sent, beside the request's own."""
    return {**port.params, "method": port.method_for(request)}


def prompt_of(request: Request) -> Prompt:
    """What the store keeps of a question."""
    return Prompt(
        [{"role": turn.role, "content": turn.content} for turn in request.messages],
        request.schema,
        request.template,
        request.template_digest,
    )


def request_digest(port: ChatPort, request: Request) -> str:
    """Content address of a request to a port."""
    return request.digest(port.name, port.base_url, sent_params(port, request))


def prompt_tokens(request: Request) -> int:
    """Tokens of a prompt and its schema, estimated on the high side."""
    text = "".join(turn.content for turn in request.messages)
    return (
        estimate_tokens(text)
        + estimate_tokens(canonical_json(request.schema))
        + PER_MESSAGE * len(request.messages)
    )


def reservation(request: Request, model: str, prices: Prices) -> Cost:
    """Most that one call is expected to take: the whole prompt and the longest answer."""
    tokens_in = prompt_tokens(request)
    usd = prices.cost(model, tokens_in, request.max_tokens) or 0.0
    return Cost(usd, tokens_in + request.max_tokens)
