"""Records of the ledger: what was sent, what came back, what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from store.digests import json_digest

FORGOTTEN = "forgotten"
"""In place of the address of a question about somebody who was forgotten."""

Outcome = Literal["unread", "ok", "truncated", "invalid", "refused", "empty", "set_aside"]
Purpose = Literal["ask", "reask", "longer", "offline"]
"""Why a call is made; ``offline`` is the extractor's, which calls nobody and counts to no cap."""


@dataclass(frozen=True)
class Prompt:
    """What was sent, and the template that made it."""

    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any]
    template: str
    template_digest: str

    @property
    def digest(self) -> str:
        """Content address of messages and schema."""
        return json_digest({"messages": list(self.messages), "schema": dict(self.schema)})


@dataclass(frozen=True)
class NewResponse:
    """One answer as it arrived.

    Attributes
    ----------
    request_digest
        Address of messages, schema, model, base URL and sampling parameters.
    shown
        ``item_ix`` that the prompt showed, in order.
    tokens_in, tokens_out, cost_usd
        None where unknown.
    reasoning
        What the model thought first, where its service tells it; it is kept in a table of its own.
    """

    request_digest: str
    prompt: Prompt | None
    subject_id: int | None
    run_id: int | None
    model: str
    raw_text: str
    base_url: str | None = None
    method: str = "text"
    params: Mapping[str, Any] = field(default_factory=dict)
    shown: Sequence[int] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    task_subject_id: int | None = None
    reasoning: str | None = None


@dataclass(frozen=True)
class StoredResponse:
    """One stored answer, as much of it as reading needs."""

    response_id: int
    request_digest: str
    subject_id: int | None
    model: str
    method: str
    raw_text: str
    refusal: str | None
    finish_reason: str | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    outcome: str


@dataclass(frozen=True)
class AnswerBehind:
    """The answer that the interests of a subject were read from: which, and of which question."""

    response_id: int
    request_digest: str
    base_url: str | None
    created_at: str


@dataclass(frozen=True)
class NewAttempt:
    """One call about to be made, with the most it is expected to cost."""

    request_digest: str
    subject_id: int | None
    run_id: int | None
    purpose: Purpose
    reserved_usd: float
    reserved_tokens: int
    task_subject_id: int | None = None


@dataclass(frozen=True)
class Ticket:
    """Leave to make a call: an attempt, or an answer found instead, or neither.

    Neither means that another process is asking this now, or, with ``refused``, that the call does
    not fit under a cap. ``others`` then says whether calls of other processes are still under way,
    which may make room. ``forgotten`` says that whoever was to be asked about is gone.
    """

    attempt_id: int | None = None
    answer: StoredResponse | None = None
    refused: str | None = None
    others: bool = False
    forgotten: bool = False


@dataclass(frozen=True)
class Spent:
    """Sums over the ledger; what a call without an answer may have cost is taken as reserved.

    Attributes
    ----------
    calls
        Attempts, answered or not.
    tokens, usd
        Of answers as billed, of unanswered calls as reserved.
    unpriced
        Answers whose cost is unknown.
    """

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
