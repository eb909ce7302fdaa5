"""The conversation about one subject: ask, read, ask again with what was wrong, or give up.

Every step looks into the store first, so after a crash the conversation is replayed from what was
paid for, up to the first answer that is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from profiler.asking.answer_schema import MAX_INTERESTS, Answer, AnswerError
from profiler.asking.answers import read_answer
from profiler.asking.asker import Asker
from profiler.asking.questions import make_reask
from profiler.llm.port import CallError, Request
from prompts import Template
from store.store import Store
from store.tables.ledger import Outcome, Purpose, StoredResponse

MAX_REASON = 500
_LONG_QUOTE = re.compile(r"'([^']{40})[^']*'")
OUTCOMES: dict[str, Outcome] = {"truncated": "truncated", "empty": "empty", "refused": "refused"}


class KeptError(Exception):
    """No answer came; the subject keeps the interests that answered another question."""


@dataclass(frozen=True)
class Patience:
    """How far a conversation goes.

    Attributes
    ----------
    reasks
        Times an answer that is not accepted is asked again.
    max_interests
        Most interests of one answer.
    reask
        Template of the correction; None is the built-in one.
    """

    reasks: int = 2
    max_interests: int = MAX_INTERESTS
    reask: Template | None = None


async def converse(asker: Asker, request: Request, patience: Patience) -> str | None:
    """Settle one subject; what comes of it is committed in one transaction.

    Returns
    -------
    str or None
        None: its interests are stored. A reason: it is quarantined, its raw answers kept.

    Raises
    ------
    ProviderRefusedError, BudgetReachedError, LeasedElsewhereError, HaltedError, KeptError
        It stays as it is.
    """
    subject_id = request.subject.subject_id
    purpose: Purpose = "ask"
    asked, longer = 0, False
    while True:
        try:
            response = await asker.answer(request, purpose)
        except CallError as error:
            reason = f"{error.outcome}: {error}"
            kept = await asker.writer.do(
                lambda reason=reason: unanswered(asker.store, subject_id, reason)  # type: ignore[misc]
            )
            if kept:
                raise KeptError(reason) from None
            return reason
        try:
            answer = read_answer(
                response.raw_text,
                finish_reason=response.finish_reason,
                refusal=response.refusal,
                shown=request.subject.items,
                task=request.task,
                max_interests=patience.max_interests,
            )
        except AnswerError as error:
            next_ = next_request(request, response, error, patience, asked=asked, longer=longer)
            await _reject(asker, subject_id, response, error, final=next_ is None)
            if next_ is None:
                return quarantine_reason(error)
            request, purpose = next_
            asked, longer = asked + (purpose == "reask"), longer or purpose == "longer"
        else:
            await _accept(asker, subject_id, response, answer)
            return None


def next_request(
    request: Request,
    response: StoredResponse,
    error: AnswerError,
    patience: Patience,
    *,
    asked: int,
    longer: bool,
) -> tuple[Request, Purpose] | None:
    """What to send after an answer that is not accepted; None to give up.

    A truncated answer is asked for once more with room for twice its length. Everything else is
    asked again with its own errors.
    """
    if error.kind == "truncated":
        if longer:
            return None
        return replace(request, max_tokens=2 * request.max_tokens), "longer"
    if asked >= patience.reasks:
        return None
    reask = make_reask(request, response.raw_text, error.errors, template=patience.reask)
    return reask, "reask"


def quarantine_reason(error: AnswerError) -> str:
    """What is wrong, for people: what it quotes of the model is cut, since a model may echo all."""
    text = _LONG_QUOTE.sub(r"'\1…'", str(error))
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"


def quarantine(store: Store, subject_id: int, reason: str) -> None:
    """Record that asking about a subject failed; interests that answered another question go."""
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM interests WHERE subject_id = ?", (subject_id,))
        store.subjects.set_state(subject_id, "quarantined", reason)


def unanswered(store: Store, subject_id: int, reason: str) -> bool:
    """Record that no answer came. True: the subject keeps the interests it has, and its state."""
    with store.write() as connection:
        has = connection.exec_driver_sql(
            "SELECT EXISTS (SELECT 1 FROM interests WHERE subject_id = ?)", (subject_id,)
        ).scalar()
        if not has:
            store.subjects.set_state(subject_id, "quarantined", reason)
        return bool(has)


async def _accept(asker: Asker, subject_id: int, response: StoredResponse, answer: Answer) -> None:
    store = asker.store

    def job() -> None:
        store.interests.save(
            subject_id, answer.interests, source=response.model, response_id=response.response_id
        )
        detail = {"mends": list(answer.mends), "repairs": list(answer.repairs)}
        store.responses.settle(
            response.response_id, "ok", {key: value for key, value in detail.items() if value}
        )

    await asker.writer.do(job)


async def _reject(
    asker: Asker, subject_id: int, response: StoredResponse, error: AnswerError, *, final: bool
) -> None:
    store = asker.store

    def job() -> None:
        outcome = OUTCOMES.get(error.kind, "invalid")
        detail = {"kind": error.kind, "errors": list(error.errors)}
        store.responses.settle(response.response_id, outcome, detail)
        if final:
            quarantine(store, subject_id, quarantine_reason(error))

    await asker.writer.do(job)
