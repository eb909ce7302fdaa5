"""What a batch asks, and its conversations driven by what is stored, without sending anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

from profiler.asking.answers.answer_schema import MAX_INTERESTS
from profiler.asking.conversation import ReaskPolicy
from profiler.asking.plan import Addressee, Questions, questions_of, to_ask
from profiler.asking.recording import record_accepted, record_ending, record_rejected
from profiler.asking.subjects import shown_subjects
from profiler.choices import Cut
from profiler.exchange.task_batches import due, stages_of, written
from profiler.llm.model_options import changing_options
from profiler.llm.models import load_models
from profiler.llm.port import Method, Request
from profiler.llm.wording import Wording
from profiler.shown import ShownSubject
from prompts import Template
from store.store import Store
from store.tables.subjects import Kind, Subject

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
    language, ask_anew, only_pending
        As for a run; with ``only_pending``: leave subjects that have any interests.
    options
        Further options of the model.
    task, choices
        The task that is asked in place of interests, and what it leaves open; ``templates`` then
        holds its question under its name.
    everyone
        Ask about all, also those with imported interests or quarantined.
    """

    llm: str
    templates: Mapping[str, Template]
    reask: Template
    base_url: str | None = None
    method: Method = "json_schema"
    max_tokens: int = 2_000
    temperature: float | None = 0.0
    seed: int | None = None
    token_budget: int = 6_000
    cut: Cut = "recent"
    max_interests: int = MAX_INTERESTS
    language: str | None = None
    ask_anew: bool = False
    only_pending: bool = False
    everyone: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    task: str | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)

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
    def wording(self) -> Wording:
        """How its requests are worded."""
        provider = self.llm.partition(":")[0]
        facts = load_models().facts(provider, self.model, self.base_url)
        best = self.method == facts.addressed_method
        return Wording(
            self.model, facts, facts.methods[0] if best else self.method, options=self.options
        )

    @property
    def reask_policy(self) -> ReaskPolicy:
        """What follows an answer that is not accepted."""
        return ReaskPolicy(template=self.reask)

    @property
    def addressee(self) -> Addressee:
        """Whom the questions are put to; a run with these options finds the answers."""
        return Addressee(self.llm, self.base_url, lambda request: self.params)

    @property
    def params(self) -> dict[str, Any]:
        """What decides an answer's address beside the request, as for a port."""
        options = changing_options(self.options)
        return {"method": self.method} | ({"options": options} if options else {})


def missing_requests(store: Store, options: BatchOptions) -> Iterator[tuple[str, Request]]:
    """The next unanswered question of each subject a run would ask about, with its address.

    Subjects of a task get their rows of the store; else nothing is written.
    """
    asked = due(_stages(store, options)) if options.task else _asked(store, options, _next)
    for questions, subject in asked:
        step = questions.replay(subject).next
        if step is not None:
            yield questions.address(step.request, options.base_url), step.request


def settle(store: Store, options: BatchOptions, answered: set[str]) -> None:
    """Read the answers to these requests: accept, leave for a correction, or quarantine.

    Conversations without any of them are left as they are, so that nothing is stored anew. So are
    those about subjects that nobody would ask about now: their answers stay unread until somebody
    does.
    """
    if not answered:
        return
    if options.task is None:
        _settle_all(store, list(_asked(store, options, _waiting)), answered)
        return
    for questions in _stages(store, options):  # a later stage asks about what this one has kept
        _settle_all(store, list(written(iter([questions]), options.task, answered)), answered)


def unanswerable(store: Store, options: BatchOptions, address: str, reason: str) -> None:
    """Quarantine whom the question of a task is about: nobody will answer it."""
    for questions, subject in written(_stages(store, options), str(options.task), {address}):
        step = questions.replay(subject).next
        if step is not None and questions.address(step.request, options.base_url) == address:
            (own,) = questions.task.entered(store, [subject])
            questions.task.quarantine(store, own, reason)


def _stages(store: Store, options: BatchOptions) -> Iterator[Questions]:
    name = str(options.task)
    return stages_of(
        store, name, options.templates[name], options.addressee, options, options.choices
    )


def _settle_all(
    store: Store, waiting: Sequence[tuple[Questions, ShownSubject]], answered: set[str]
) -> None:
    for start in range(0, len(waiting), TOGETHER):
        with store.write():  # the answers are durable already, so subjects may share a commit
            for questions, subject in waiting[start : start + TOGETHER]:
                _settle(questions, subject, answered)


def _settle(questions: Questions, subject: ShownSubject, answered: set[str]) -> None:
    """Record what became of the answers in one conversation, if it has any of these."""
    played = questions.replay(subject)
    if answered.isdisjoint(response.request_digest for response in played.responses):
        return
    for rejected in played.rejected:
        record_rejected(questions.store, rejected)
    for accepted in played.accepted:
        record_accepted(questions.store, accepted)
    if played.ending is not None:
        (own,) = questions.task.entered(questions.store, [subject])
        record_ending(questions, own, played.ending)


Whom = Callable[[BatchOptions, Sequence[Subject], Questions], Sequence[Subject]]


def _asked(
    store: Store, options: BatchOptions, whom: Whom
) -> Iterator[tuple[Questions, ShownSubject]]:
    """These subjects, as far as they have items to show, with how each kind is asked."""
    subjects = store.subjects.load(kinds=kinds(options), active=False)
    for kind, template in options.templates.items():
        questions = questions_of(store, template, options.addressee, options)
        of_kind = [subject for subject in subjects if subject.kind == kind]
        for shown in shown_subjects(store, whom(options, of_kind, questions)):
            if shown.items:
                yield questions, shown


def _next(
    options: BatchOptions, subjects: Sequence[Subject], questions: Questions
) -> Sequence[Subject]:
    """Whom a run would ask about."""
    active = [subject for subject in subjects if subject.active]
    return active if options.everyone else to_ask(questions, active)


def _waiting(
    options: BatchOptions, subjects: Sequence[Subject], questions: Questions
) -> Sequence[Subject]:
    """Whose answers are read: also of the quarantined, who have nothing better."""
    wanted = {subject.subject_id for subject in _next(options, subjects, questions)}
    return [
        subject
        for subject in subjects
        if subject.subject_id in wanted or (subject.active and subject.state == "quarantined")
    ]


def kinds(options: BatchOptions) -> tuple[Kind, ...]:
    """Kinds of subjects that have a question."""
    return cast("tuple[Kind, ...]", tuple(options.templates))
