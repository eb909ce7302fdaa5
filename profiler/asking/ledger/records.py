"""What the store keeps of a call: the question that was sent and the answer that came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from profiler.asking.ledger.cut_prompts import cut_prompt
from profiler.llm.port import ChatPort, Reply, Request, address, sent_params
from profiler.llm.prices import Prices
from store.tables.ledger import NewResponse, Prompt, Purpose, StoredResponse


def _text_of(reply: Reply) -> str:
    return reply.text


@dataclass(frozen=True)
class Question:
    """One request with all that the ledger has to know of it.

    Attributes
    ----------
    request
        What the port is sent.
    address
        Content address under which its answer is stored.
    prompt
        What the store keeps of what was sent.
    params
        What is recorded with the answer beside limits and sampling.
    purpose
        Why the call is made.
    raw_text
        What of the reply is stored as its text.
    """

    request: Request
    address: str
    prompt: Prompt
    params: Mapping[str, Any] = field(default_factory=dict)
    purpose: Purpose = "ask"
    raw_text: Callable[[Reply], str] = _text_of


def question_about(port: ChatPort, request: Request, purpose: Purpose) -> Question:
    """A request about a subject, ready to be bought."""
    return Question(
        request, address(port, request), prompt_of(request), sent_params(port, request), purpose
    )


def prompt_of(request: Request) -> Prompt:
    """What the store keeps of a request."""
    return Prompt(
        [{"role": turn.role, "content": turn.content} for turn in request.messages],
        request.schema,
        request.template,
        request.template_digest,
    )


def received(
    question: Question, reply: Reply, *, port: ChatPort, run_id: int | None, prices: Prices
) -> NewResponse:
    """Return a reply as the store keeps it.

    Parameters
    ----------
    question, reply
        What was asked, and what came.
    port
        Who answered.
    run_id
        Of the store's table ``runs``.
    prices
        Dollars per token, where the service does not tell the cost.
    """
    request, model = question.request, port.name
    cut = cut_prompt(request, reply)
    cost = reply.cost_usd
    if cost is None:
        cost = prices.cost(model, reply.tokens_in, reply.tokens_out)
    return NewResponse(
        request_digest=question.address,
        prompt=question.prompt,
        subject_id=request.subject.subject_id,
        run_id=run_id,
        model=model,
        base_url=port.base_url,
        method=reply.method,
        params={
            **question.params,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "answered_by": reply.model,
            **({} if cut is None else {"prompt_cut": list(cut)}),
            **({} if reply.tokens_cached is None else {"tokens_cached": reply.tokens_cached}),
            **prices.dated(model, cost),
        },
        shown=request.shown,
        raw_text=question.raw_text(reply),
        refusal=reply.refusal,
        finish_reason=reply.finish_reason,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        cost_usd=cost,
        latency_s=reply.latency_s,
        task_subject_id=request.subject.task_subject_id,
    )


def stored_response(response_id: int, response: NewResponse) -> StoredResponse:
    """Return what the store would return for an answer it just took, not read yet."""
    return StoredResponse(
        response_id=response_id,
        request_digest=response.request_digest,
        subject_id=response.subject_id,
        model=response.model,
        method=response.method,
        raw_text=response.raw_text,
        refusal=response.refusal,
        finish_reason=response.finish_reason,
        tokens_in=response.tokens_in,
        tokens_out=response.tokens_out,
        cost_usd=response.cost_usd,
        outcome="unread",
    )
