"""Playing the conversations of a batch from what is stored, without sending anything."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, cast

from profiler.asking.answer_schema import MAX_INTERESTS
from profiler.asking.asker import Asker
from profiler.asking.conversation import Patience, converse
from profiler.asking.plan import Asking, questioner, to_ask
from profiler.asking.questions import Cut
from profiler.asking.shown import shown_subjects
from profiler.llm.port import Method, Request
from prompts import Template
from store.store import Store
from store.tables.ledger import StoredResponse
from store.tables.subjects import Kind, Subject

T = TypeVar("T")

TOGETHER = 50


@dataclass(frozen=True)
class BatchOptions:
    """Everything that decides what a batch asks; kept with the run, so an import needs none of it.

    Attributes
    ----------
    llm
        ``provider:model``.
    templates
        The question for each kind of subject.
    reask
        The correction.
    base_url, method
        As a run would have them.
    only_pending
        As for a run: leave subjects that have any interests.
    everyone
        Ask about all, also those with imported interests or quarantined.
    """

    llm: str
    templates: Mapping[str, Template]
    reask: Template
    base_url: str | None = None
    method: Method = "json_schema"
    max_tokens: int = 2_000
    temperature: float = 0.0
    seed: int | None = None
    token_budget: int = 6_000
    cut: Cut = "recent"
    max_interests: int = MAX_INTERESTS
    only_pending: bool = False
    everyone: bool = False

    def as_config(self) -> dict[str, Any]:
        """JSON value from which :meth:`from_config` makes the same options.

        Templates are texts in it: the order of keys in an example is part of what is sent, and a
        JSON value loses it where its keys are sorted.
        """
        config = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        config["templates"] = {
            kind: template.model_dump_json() for kind, template in self.templates.items()
        }
        config["reask"] = self.reask.model_dump_json()
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> BatchOptions:
        """Options as they were recorded."""
        templates = {
            kind: Template.model_validate_json(text) for kind, text in config["templates"].items()
        }
        reask = Template.model_validate_json(config["reask"])
        return cls(**{**config, "templates": templates, "reask": reask})

    @property
    def model(self) -> str:
        """The model's name without the provider."""
        return self.llm.partition(":")[2]

    @property
    def patience(self) -> Patience:
        """What follows an answer that is not accepted."""
        return Patience(max_interests=self.max_interests, reask=self.reask)

    def asking(self, store: Store, template: Template) -> Asking:
        """How a run with these options would ask."""
        question = questioner(store, template, self)

        def digest(request: Request, base_url: str | None) -> str:
            return request.digest(self.llm, base_url, {"method": self.method})

        return Asking(self.llm, question, digest, self.base_url, self.patience, self.only_pending)

    def digest(self, request: Request) -> str:
        """Content address under which a run with these options would find the answer."""
        return request.digest(self.llm, self.base_url, {"method": self.method})


class _NotStoredError(Exception):
    """The conversation has come to a question without a stored answer."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


class _StoredAnswers:
    """Stands in for the asker of a run: it has only what is stored and sends nothing.

    The conversation is the same code either way, so a batch and a run can never disagree on what
    comes next.
    """

    def __init__(self, store: Store, options: BatchOptions, *, write: bool) -> None:
        self.store, self.options, self.write = store, options, write
        self.writer = self
        self.used: set[str] = set()

    async def answer(self, request: Request, purpose: str) -> StoredResponse:
        digest = self.options.digest(request)
        found = self.store.responses.find(digest)
        if found is None:
            raise _NotStoredError(request)
        self.used.add(digest)
        return found

    async def do(self, job: Callable[[], T]) -> T | None:
        if not self.write:
            return None
        with self.store.write():
            return job()


def missing_requests(store: Store, options: BatchOptions) -> Iterator[tuple[str, Request]]:
    """The next unanswered question of each subject a run would ask about, with its address.

    Nothing is written.
    """
    asker = _StoredAnswers(store, options, write=False)
    for first in _questions(store, options, _next):
        request = _play(asker, first)
        if request is not None:
            yield options.digest(request), request


def _drive(conversation: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine to its end without an event loop: with stored answers it never waits."""
    try:
        conversation.send(None)
    except StopIteration:
        return
    conversation.close()
    raise RuntimeError("a conversation with stored answers has waited for something")


def settle(store: Store, options: BatchOptions, answered: set[str]) -> None:
    """Read the answers to these requests: accept, leave for a correction, or quarantine.

    Conversations without any of them are left as they are, so that nothing is stored anew. So are
    those about subjects that nobody would ask about now: their answers stay unread until somebody
    does.
    """
    if not answered:
        return
    looking = _StoredAnswers(store, options, write=False)
    writing = _StoredAnswers(store, options, write=True)
    questions = list(_questions(store, options, _waiting))
    for start in range(0, len(questions), TOGETHER):
        with store.write():  # the answers are durable already, so subjects may share a commit
            for first in questions[start : start + TOGETHER]:
                looking.used.clear()
                _play(looking, first)
                if looking.used & answered:
                    _play(writing, first)


def _play(asker: _StoredAnswers, first: Request) -> Request | None:
    """Play a conversation from its start; return the question it stops at, if it does."""
    try:
        _drive(converse(cast("Asker", asker), first, asker.options.patience))
    except _NotStoredError as error:
        return error.request
    return None


Whom = Callable[[Store, BatchOptions, Sequence[Subject], Asking], Sequence[Subject]]


def _questions(store: Store, options: BatchOptions, whom: Whom) -> Iterator[Request]:
    """The first question about each of these subjects, by kind."""
    subjects = store.subjects.load(kinds=kinds(options), active=False)
    for kind, template in options.templates.items():
        asking = options.asking(store, template)
        of_kind = [subject for subject in subjects if subject.kind == kind]
        for shown in shown_subjects(store, whom(store, options, of_kind, asking)):
            if shown.items:
                yield asking.question(shown)


def _next(
    store: Store, options: BatchOptions, subjects: Sequence[Subject], asking: Asking
) -> Sequence[Subject]:
    """Whom a run would ask about."""
    active = [subject for subject in subjects if subject.active]
    return active if options.everyone else to_ask(store, active, asking)


def _waiting(
    store: Store, options: BatchOptions, subjects: Sequence[Subject], asking: Asking
) -> Sequence[Subject]:
    """Whose answers are read: also of the quarantined, who have nothing better."""
    wanted = {subject.subject_id for subject in _next(store, options, subjects, asking)}
    return [
        subject
        for subject in subjects
        if subject.subject_id in wanted or (subject.active and subject.state == "quarantined")
    ]


def kinds(options: BatchOptions) -> tuple[Kind, ...]:
    """Kinds of subjects that have a question."""
    return cast("tuple[Kind, ...]", tuple(options.templates))
