"""What the store keeps of a call: the question that was sent and the answer that came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from profiler.llm.port import ChatPort, Reply, Request, address, sent_params
from profiler.llm.prices import Prices
from store.tables.ledger import NewResponse, Prompt, Purpose, StoredResponse


def _text_of(reply: Reply) -> str:
    return reply.text


@dataclass(frozen=True)
class Asked:
    """A question as it was put, as far as the record of its answer tells of it.

    Attributes
    ----------
    address, prompt
        Content address, and what the store keeps of what was sent.
    subject_id
        Whom it is about, None where nobody.
    shown
        ``item_ix`` that the prompt showed, in order.
    params
        Limits, sampling and whatever else decided the answer.
    model, base_url
        Who was asked: ``provider:model``, and the address of the service.
    task_subject_id
        Whom of a task's own subjects it is about, if any.
    """

    address: str
    prompt: Prompt
    subject_id: int | None
    shown: Sequence[int]
    params: Mapping[str, Any]
    model: str
    base_url: str | None
    task_subject_id: int | None = None


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

    def put_to(self, port: ChatPort) -> Asked:
        """The question as it is put to a port."""
        request = self.request
        params = {
            **self.params,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
        }
        return Asked(
            address=self.address,
            prompt=self.prompt,
            subject_id=request.subject.subject_id,
            shown=request.shown,
            params=params,
            model=port.name,
            base_url=port.base_url,
            task_subject_id=request.subject.task_subject_id,
        )


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
    asked: Asked,
    reply: Reply,
    *,
    run_id: int | None,
    prices: Prices,
    text: str | None = None,
    method: str | None = None,
    batch: bool = False,
    cut: tuple[int, int] | None = None,
) -> NewResponse:
    """Return a reply as the store keeps it.

    Parameters
    ----------
    asked, reply
        What was asked, and what came.
    run_id
        Of the store's table ``runs``.
    prices
        Dollars per token, where the service does not tell the cost.
    text
        What is stored as the answer's text, where that is not the reply's.
    method
        How the answer came, where that is not by the reply's method.
    batch
        Whether a batch service answered, at its lower price.
    cut
        From :func:`.cut_prompts.cut_prompt`, where the service cut the prompt.
    """
    model, cost = asked.model, reply.cost_usd
    if cost is None:
        cost = prices.cost(
            model, reply.tokens_in, reply.tokens_out, cached=reply.tokens_cached, batch=batch
        )
    told = {} if reply.tokens_cached is None else {"tokens_cached": reply.tokens_cached}
    return NewResponse(
        request_digest=asked.address,
        prompt=asked.prompt,
        subject_id=asked.subject_id,
        run_id=run_id,
        model=model,
        base_url=asked.base_url,
        method=method or reply.method,
        params={
            **asked.params,
            "answered_by": reply.model or None,
            **told,
            **({} if cut is None else {"prompt_cut": list(cut)}),
            **prices.dated(model, cost),
        },
        shown=asked.shown,
        raw_text=reply.text if text is None else text,
        refusal=reply.refusal,
        finish_reason=reply.finish_reason,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        cost_usd=cost,
        latency_s=reply.latency_s or None,
        task_subject_id=asked.task_subject_id,
        reasoning=reply.reasoning or None,
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
