"""Which subjects have their answer already: that of exactly the question that would be asked now.

Interests made by the extractor, by another model or under another prompt are no answer to it, and
are replaced by one. What a person brought stays: imported interests, and subjects of which an
interest was pinned, renamed or merged by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from profiler.asking.conversation import (
    Accepted,
    Conversation,
    ReaskPolicy,
    Replay,
    converse,
    replay,
)
from profiler.asking.questions import boundary_key, make_request, other_boundary_keys
from profiler.asking.subjects import shown_subjects
from profiler.asking.task import TASKS, Make, Task
from profiler.choices import Cut
from profiler.llm.port import OFFLINE, ChatPort, Request
from profiler.shown import ShownSubject
from prompts import Template
from prompts.loader import earlier_templates, is_own
from store.store import Store
from store.tables.interests import Maker
from store.tables.ledger import AnswerBehind, StoredResponse
from store.tables.subjects import Subject


class QuestionSettings(Protocol):
    """What decides a question beside its template and its model."""

    @property
    def max_tokens(self) -> int:
        """Maximum number of tokens of an answer."""

    @property
    def temperature(self) -> float | None:
        """Sampling temperature of an answer; None is not sent."""

    @property
    def seed(self) -> int | None:
        """Seed of the sampling; None is not sent."""

    @property
    def token_budget(self) -> int:
        """Maximum number of tokens of the list of items shown."""

    @property
    def cut(self) -> Cut:
        """Which items stay where the list is longer than that."""

    @property
    def max_interests(self) -> int:
        """Most interests of one answer."""

    @property
    def reask_policy(self) -> ReaskPolicy:
        """How often what was answered badly is asked again."""

    @property
    def language(self) -> str | None:
        """What labels and descriptions are to be written in; None is the language of the titles."""

    @property
    def only_pending(self) -> bool:
        """Whether subjects that have any interests are left as they are."""

    @property
    def ask_anew(self) -> bool:
        """Whether answers to the questions of earlier releases count for nothing."""


@dataclass(frozen=True)
class Addressee:
    """Whom questions are put to, as far as it decides their address.

    Attributes
    ----------
    model
        ``provider:model``, or ``offline``.
    base_url
        Address of the service, None for the provider's own.
    params
        What else changes a call: the method of structured output, extra model options.
    """

    model: str
    base_url: str | None
    params: Callable[[Request], Mapping[str, Any]]

    @classmethod
    def of_port(cls, port: ChatPort) -> Addressee:
        """Whom a port asks."""
        return cls(
            port.name,
            port.base_url,
            lambda request: {**port.params, "method": port.method_for(request)},
        )


@dataclass(frozen=True)
class Questions:
    """How the questions of one template are made, addressed and read.

    Attributes
    ----------
    store
        Where answers are looked up.
    template
        The question.
    task
        Reads and keeps the answers.
    to
        Whom they are put to.
    settings
        Limits and sampling.
    make
        Renders a question that shows a subject's items.
    policy
        What follows an answer that is not accepted.
    earlier
        How earlier releases, and the stores that were merged into this one, asked the same, as far
        as the store holds such questions: an answer that they accepted counts as the answer of
        this question.
    """

    store: Store
    template: Template
    task: Task[Any]
    to: Addressee
    settings: QuestionSettings
    make: Make
    policy: ReaskPolicy
    earlier: tuple[Questions, ...] = ()

    def first(self, subject: ShownSubject) -> Request:
        """The first question about a subject with items."""
        return next(self.task.questions(subject, self.make))

    def address(self, request: Request, base_url: str | None) -> str:
        """Content address of a request to the service at ``base_url``."""
        return request.digest(self.to.model, base_url, self.to.params(request))

    def conversation(self, subject: ShownSubject) -> Conversation:
        """The conversation about a subject with items."""
        questions = self.task.questions(subject, self.make)
        return converse(questions, self.task, self.policy)

    def answered_way(self, subject: ShownSubject) -> Questions:
        """These questions, or the earlier way of asking whose accepted answer is stored."""
        if not self.earlier or isinstance(self._replay_own(subject).ending, Accepted):
            return self
        for way in self.earlier:
            if isinstance(way.replay(subject).ending, Accepted):
                return way
        return self

    def first_addresses(self, subject: ShownSubject) -> list[str]:
        """Where the answers to the first question are stored, earlier releases' included."""
        return [way.address(way.first(subject), self.to.base_url) for way in (self, *self.earlier)]

    def find(self, request: Request) -> StoredResponse | None:
        """The stored answer to a request."""
        return self.store.responses.find(self.address(request, self.to.base_url))

    def replay(self, subject: ShownSubject) -> Replay:
        """Where the conversation about a subject stands by what is stored; nothing is written."""
        return self.answered_way(subject)._replay_own(subject)

    def _replay_own(self, subject: ShownSubject) -> Replay:
        return replay(self.conversation(subject), self.find)

    def answered_by(self, subject: ShownSubject, behind: AnswerBehind) -> bool:
        """Whether an answer is the newest of those that the conversation about a subject ends with.

        The same model at another address counts as the same: a server that moved is not paid twice.
        """
        first = self.address(self.first(subject), behind.base_url)
        if first == behind.request_digest and self.task.count_questions(subject) == 1:
            return True

        def find(request: Request) -> StoredResponse | None:
            return self.store.responses.find(self.address(request, behind.base_url))

        ending = replay(self.conversation(subject), find).ending
        if isinstance(ending, Accepted):
            newest = max(answered.response.response_id for answered in ending.answers)
            if behind.response_id == newest:
                return True
        return any(way.answered_by(subject, behind) for way in self.earlier)


def questions_of(
    store: Store,
    template: Template,
    to: Addressee,
    settings: QuestionSettings,
    task: Task[Any] | None = None,
) -> Questions:
    """How a run, a forecast or a batch asks with a template.

    Parameters
    ----------
    task
        The task of the template by its name, where it is not given.
    """
    asked = task or TASKS.get_known(template.task).limited(settings.max_interests)
    asked = asked.prepared(store)
    ways = [(template, settings.reask_policy)]
    if not settings.ask_anew:
        ways += _earlier_ways(store, template, settings.reask_policy)
    keys = [boundary_key(store), *other_boundary_keys(store)]
    now, *earlier = (
        _questions(store, question, asked, to, settings, policy, key)
        for question, policy in ways
        for key in keys
    )
    return replace(now, earlier=tuple(earlier))


def _earlier_ways(
    store: Store, template: Template, policy: ReaskPolicy
) -> Iterator[tuple[Template, ReaskPolicy]]:
    """How earlier releases asked a question and corrected its answers, where the store has any."""
    sent = store.responses.template_digests()
    own_correction = policy.template is None or is_own(policy.template)
    for templates in earlier_templates():
        question = templates.get(template.name, template) if is_own(template) else template
        correction = templates["reask"] if own_correction else policy.template
        asked = question if question.digest != template.digest else correction
        if asked is not None and asked.digest in sent:
            before = ReaskPolicy(policy.times, correction, warmer=0.0, sees_loops=False)
            yield question, before


def _questions(
    store: Store,
    template: Template,
    asked: Task[Any],
    to: Addressee,
    settings: QuestionSettings,
    policy: ReaskPolicy,
    key: bytes,
) -> Questions:
    def make(subject: ShownSubject, variables: Mapping[str, Any]) -> Request:
        return make_request(
            subject,
            template,
            token_budget=settings.token_budget,
            cut=settings.cut,
            boundary_key=key,
            max_tokens=settings.max_tokens,
            temperature=settings.temperature,
            seed=settings.seed,
            max_interests=settings.max_interests,
            schema_name=asked.schema_name,
            language=settings.language,
            variables=variables,
        )

    return Questions(store, template, asked, to, settings, make, policy)


def to_ask(questions: Questions, subjects: Sequence[Subject]) -> list[Subject]:
    """The pending subjects, and those whose interests answer another question; in the same order.

    The extractor replaces nothing but its own: it stands in where there is nothing better. A
    pending subject may have interests, where other items are to be shown than they rest on.
    """
    store, only_pending = questions.store, questions.settings.only_pending
    offline = questions.to.model == OFFLINE
    makers = store.interests.makers()
    kept = _kept(offline=offline, only_pending=only_pending)
    free = [one for one in subjects if makers.get(one.subject_id) not in kept]
    if only_pending or offline:
        return [one for one in free if one.state == "pending"]
    behind, failures = store.responses.behind_interests(), store.responses.failures()
    made = [one for one in free if one.state == "ok" and one.subject_id in behind]
    stale = {
        shown.subject_id
        for shown in shown_subjects(store, made)
        if shown.items and not _has_its_answer(questions, shown, behind, failures)
    }
    return [one for one in free if one.state == "pending" or one.subject_id in stale]


def not_asked_yet(
    questions: Questions, subjects: Sequence[Subject], *, again: bool = False
) -> list[ShownSubject]:
    """Those of these subjects about whom the questions were not asked to their end yet.

    A question that got no answer counts as asked, unless it is to be asked ``again``.
    """
    failures = {} if again else questions.store.responses.failures()
    waiting = []
    for shown in shown_subjects(questions.store, subjects):
        if not shown.items:
            continue
        played = questions.replay(shown)
        if isinstance(played.ending, Accepted):
            waiting.append(shown)
        elif played.next is not None:
            address = questions.address(played.next.request, questions.to.base_url)
            if address not in failures:
                waiting.append(shown)
    return waiting


def _has_its_answer(
    questions: Questions,
    shown: ShownSubject,
    behind: Mapping[int, AnswerBehind],
    failures: Mapping[str, str],
) -> bool:
    """Whether a subject's interests answer its question, or came after the question had failed.

    What a stronger model, or a larger limit, answered after that is the best there is: asking the
    same again would end where it ended before.
    """
    if shown.subject_id is None:
        return False
    answer = behind[shown.subject_id]
    failed = [failures.get(first, answer.created_at) for first in questions.first_addresses(shown)]
    if min(failed) < answer.created_at:
        return True
    return questions.answered_by(shown, answer)


def _kept(*, offline: bool, only_pending: bool) -> set[Maker]:
    """Whose interests are not asked about anew."""
    if only_pending:
        return {"person", "model", "offline"}
    return {"person", "model"} if offline else {"person"}
