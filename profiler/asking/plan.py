"""Which subjects have their answer already: that of exactly the question that would be asked now.

Interests made by the extractor, by another model or under another prompt are no answer to it, and
are replaced by one. What a person brought stays: imported interests, and subjects of which an
interest was pinned, renamed or merged by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from profiler.asking.addressing import sent_params
from profiler.asking.answer_schema import AnswerError
from profiler.asking.answers import read_answer
from profiler.asking.boundary import boundary_key
from profiler.asking.conversation import Patience, next_request
from profiler.asking.options import AskingOptions
from profiler.asking.questions import make_request
from profiler.asking.shown import shown_subjects
from profiler.llm.port import OFFLINE, ChatPort, Request, ShownSubject
from prompts import Template
from store.store import Store
from store.tables.interests import Maker
from store.tables.ledger import StoredResponse
from store.tables.subjects import Subject

if TYPE_CHECKING:
    from profiler.exchange.batch_options import BatchOptions


@dataclass(frozen=True)
class Asking:
    """How questions are made and addressed.

    Attributes
    ----------
    model
        ``provider:model``, or ``offline``.
    question
        The first question about a subject with items.
    digest
        Content address of a question put to the service at an address.
    base_url
        The address in question.
    patience
        What follows an answer that is not accepted.
    only_pending
        Leave subjects that have any interests as they are.
    """

    model: str
    question: Callable[[ShownSubject], Request]
    digest: Callable[[Request, str | None], str]
    base_url: str | None
    patience: Patience
    only_pending: bool = False


def questioner(
    store: Store, template: Template, options: AskingOptions | BatchOptions
) -> Callable[[ShownSubject], Request]:
    """Function that makes the first question about a subject."""
    return partial(
        make_request,
        template=template,
        token_budget=options.token_budget,
        cut=options.cut,
        boundary_key=boundary_key(store),
        max_tokens=options.max_tokens,
        temperature=options.temperature,
        seed=options.seed,
        max_interests=options.patience.max_interests,
    )


def asking_of(store: Store, port: ChatPort, template: Template, options: AskingOptions) -> Asking:
    """How a run asks."""
    question = questioner(store, template, options)

    def digest(request: Request, base_url: str | None) -> str:
        return request.digest(port.name, base_url, sent_params(port, request))

    return Asking(
        port.name, question, digest, port.base_url, options.patience, options.only_pending
    )


def to_ask(store: Store, subjects: Sequence[Subject], asking: Asking) -> list[Subject]:
    """The pending subjects, and those whose interests answer another question; in the same order.

    The extractor replaces nothing but its own: it stands in where there is nothing better. A
    pending subject may have interests, where other items are to be shown than they rest on.
    """
    makers = store.interests.makers()
    kept = _kept(asking)
    free = [one for one in subjects if makers.get(one.subject_id) not in kept]
    if asking.only_pending or asking.model == OFFLINE:
        return [one for one in free if one.state == "pending"]
    behind = _responses_behind(store)
    made = [one for one in free if one.state == "ok" and one.subject_id in behind]
    stale = {
        shown.subject_id
        for shown in shown_subjects(store, made)
        if shown.items and not _answers(store, asking, shown, *behind[shown.subject_id])
    }
    return [one for one in free if one.state == "pending" or one.subject_id in stale]


def _kept(asking: Asking) -> set[Maker]:
    """Whose interests are not asked about anew."""
    if asking.only_pending:
        return {"person", "model", "offline"}
    return {"person", "model"} if asking.model == OFFLINE else {"person"}


def last_step(
    store: Store, asking: Asking, request: Request, base_url: str | None
) -> tuple[Request | None, StoredResponse | None]:
    """Play a conversation from what is stored; nothing is sent or written.

    Returns
    -------
    tuple
        The question it stops at, None if its answers are all there; the answer it ends with, None
        if none is accepted.
    """
    asked, longer = 0, False
    while (found := store.responses.find(asking.digest(request, base_url))) is not None:
        try:
            read_answer(
                found.raw_text,
                finish_reason=found.finish_reason,
                refusal=found.refusal,
                shown=request.subject.items,
                task=request.task,
                max_interests=asking.patience.max_interests,
            )
            return None, found
        except AnswerError as error:
            step = next_request(request, found, error, asking.patience, asked=asked, longer=longer)
            if step is None:
                return None, None
            request, purpose = step
            asked, longer = asked + (purpose == "reask"), longer or purpose == "longer"
    return request, None


def _answers(
    store: Store,
    asking: Asking,
    shown: ShownSubject,
    response_id: int,
    digest: str,
    base_url: str | None,
) -> bool:
    """Whether a response is the one that the conversation about a subject ends with.

    The same model at another address counts as the same: a server that moved is not paid twice.
    """
    first = asking.question(shown)
    if asking.digest(first, base_url) == digest:
        return True
    _, last = last_step(store, asking, first, base_url)
    return last is not None and last.response_id == response_id


def _responses_behind(store: Store) -> dict[int, tuple[int, str, str | None]]:
    """The response behind a subject's interests, its address and that of the service."""
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT n.subject_id, r.response_id, r.request_digest, r.base_url FROM interests n "
            "JOIN responses r USING (response_id) GROUP BY n.subject_id"
        ).all()
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
