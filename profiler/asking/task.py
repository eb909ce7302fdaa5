"""What every LLM task offers: whom it is about, how an answer is read, and what is kept of it.

A task of your own is an instance of a subclass, in a module of its own, named in :data:`TASKS` or
by an entry point (``docs/how-to-add.md``). The template decides the words of the question and the
schema of the answer; the task decides what a usable answer is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from profiler.asking.answers.read import check_finish, parse_document, plain_errors
from profiler.llm.port import ChatPort, Request
from profiler.shown import ShownSubject
from prompts import Template, load_template
from store.errors import UserError
from store.registry import Registry

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse

__all__ = ["Reading", "Task"]

A = TypeVar("A")
C = TypeVar("C", bound=BaseModel)
Make: TypeAlias = Callable[[ShownSubject, Mapping[str, Any]], Request]
"""Renders a question that shows the items of a subject, with values for further variables."""


@dataclass(frozen=True)
class Approach:
    """How a task is to be asked where its questions go into a file or a batch.

    Attributes
    ----------
    model
        ``PROVIDER:MODEL``.
    template_digest
        The question.
    token_budget
        Most tokens of what a question shows.
    only_pending
        Leave what has an answer of another model or question.
    choices
        What the task itself leaves open, by name.
    """

    model: str
    template_digest: str
    token_budget: int
    only_pending: bool = False
    choices: Mapping[str, Any] = field(default_factory=dict)

    def checked(self, kind: type[C], task: str) -> C:
        """The choices as a model of a task's own.

        Raises
        ------
        UserError
            Naming the choice that does not exist or is out of range.
        """
        try:
            return kind.model_validate(dict(self.choices))
        except ValidationError as error:
            known = ", ".join(kind.model_fields)
            raise UserError(
                f"task {task}: {'; '.join(plain_errors(error))}; choices are {known}"
            ) from None


@dataclass(frozen=True)
class Reading(Generic[A]):
    """What was read in an accepted answer.

    Attributes
    ----------
    value
        What the task keeps.
    mends
        What was mended in the text before it was JSON: ``code fence``, ``trailing comma``.
    repairs
        What was repaired in the content, one plain sentence each.
    """

    value: A
    mends: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()

    @property
    def detail(self) -> dict[str, list[str]]:
        """Mends and repairs, where there are any, as the store keeps them."""
        both = {"mends": list(self.mends), "repairs": list(self.repairs)}
        return {name: found for name, found in both.items() if found}


@dataclass(frozen=True)
class Answered(Generic[A]):
    """A question, its accepted answer, and what was read in it."""

    request: Request
    response: StoredResponse
    reading: Reading[A]


class Task(ABC, Generic[A]):
    """One kind of question and what becomes of its answers.

    Attributes
    ----------
    name
        As templates name it under ``task``.
    purpose
        One line for people.
    template
        Name of the template that is used where none is given.
    schema_name
        Name under which the schema of the answer is sent; a part of what is addressed.
    max_tokens, token_budget
        Most tokens of an answer, and of what a question shows, where nothing else is asked for.
    """

    name: ClassVar[str]
    purpose: ClassVar[str]
    template: ClassVar[str]
    schema_name: ClassVar[str] = "answer"
    max_tokens: ClassVar[int] = 2_000
    token_budget: ClassVar[int] = 6_000

    def limited(self, max_interests: int) -> Task[A]:
        """The task for a run that allows so many interests an answer; most tasks have no such."""
        return self

    def prepared(self, store: Store) -> Task[A]:
        """The task with what it reads in a store beside the subject; most tasks read nothing."""
        return self

    def load_template(self, name: str | None = None, folder: Any = None) -> Template:
        """The template of a name, of ``folder`` or the toolkit's own; the task's by default.

        Raises
        ------
        UserError
            There is no such template, or it is another task's.
        """
        template = load_template(name or self.template, folder)
        if template.task != self.name:
            raise UserError(
                f"template {template.name!r} is for the task {template.task!r}, not {self.name!r}"
            )
        return template

    @abstractmethod
    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """Whom to ask about, with what may be shown of each.

        A subject is a user, an exemplar, a synthetic user, a session, an item or a model. Those
        that have a row in the table ``subjects`` carry its number, so that forgetting a user finds
        what was asked about them.
        """

    def stages(self, approach: Approach) -> Sequence[Task[A]]:
        """The task as files and batches ask it; a later stage needs the answers of the one before.

        Raises
        ------
        UserError
            The task is asked by its own command only, as most are; or a choice cannot be met.
        """
        raise UserError(f"the task {self.name!r} is asked by its own command, not in batches")

    def asked_before(self, store: Store, shown: Sequence[Sequence[int]]) -> Sequence[ShownSubject]:
        """Subjects whose questions were written to a file or batch, to read their answers.

        Parameters
        ----------
        store
            With the data of a build.
        shown
            ``item_ix`` that each of the questions showed. Most tasks need not look: their subjects
            are those that are due.
        """
        return self.subjects(store)

    def entered(self, store: Store, subjects: Sequence[ShownSubject]) -> Sequence[ShownSubject]:
        """The subjects with their rows of the store, written before anything is asked about them.

        Most tasks need none: their subjects have a row already, or are about nobody.
        """
        return subjects

    def variables(self, subject: ShownSubject) -> Mapping[str, Any]:
        """Values for variables of the template beside those that every question has."""
        return {}

    def questions(self, subject: ShownSubject, make: Make) -> Generator[Request, Reading[A], None]:
        """The questions about one subject, in their order; most tasks have one.

        Each question is yielded, and sent what was read in its accepted answer. The same answers
        must lead to the same questions: a run that was stopped goes on by asking them again of the
        store.
        """
        yield make(subject, self.variables(subject))

    def count_questions(self, subject: ShownSubject) -> int:
        """How many questions there are about a subject, where every answer is accepted."""
        return 1

    def parent(self, store: Store, subject: ShownSubject) -> int | None:
        """Number of the response that the question about a subject follows from, if any."""
        return None

    def parents(self, store: Store, subject: ShownSubject) -> Sequence[int]:
        """Numbers of all responses whose words the question about a subject quotes.

        They are recorded with its answer: forgetting a user removes what was made of an answer that
        goes. Most questions quote none, or the one of :meth:`parent`.
        """
        parent = self.parent(store, subject)
        return () if parent is None else (parent,)

    def answer_tokens(self, request: Request) -> float:
        """Tokens that an answer takes, by a rule of thumb, where no answer of a model is stored."""
        return request.max_tokens / 2

    def accept(self, response: StoredResponse, request: Request) -> Reading[A]:
        """Read an answer: finish reason, JSON document, content, in this order.

        Raises
        ------
        AnswerError
            It is not accepted.
        """
        check_finish(response.raw_text, response.finish_reason, response.refusal)
        document, mends = parse_document(response.raw_text)
        if response.outcome == "ok":  # what was accepted stays so, whatever is looked for since
            request = replace(request, expected=replace(request.expected, examples=frozenset()))
        value, repairs = self.read(document, request)
        return Reading(value, mends, repairs)

    @abstractmethod
    def read(self, document: Any, request: Request) -> tuple[A, tuple[str, ...]]:
        """Check the content of an answer; return what is kept, and what was repaired, in words.

        Parameters
        ----------
        document
            The JSON value of the answer.
        request
            What was asked; ``request.subject.items`` are exactly the items shown.

        Raises
        ------
        AnswerError
            With sentences that are shown to the model when it is asked again.
        """

    @abstractmethod
    def write(
        self, store: Store, subject: ShownSubject, value: A, response: StoredResponse
    ) -> None:
        """Keep what was read; called inside the transaction that settles the answer."""

    def keep(self, store: Store, subject: ShownSubject, answers: Sequence[Answered[A]]) -> None:
        """Keep what the accepted answers about a subject say, one for each question."""
        last = answers[-1]
        self.write(store, subject, last.reading.value, last.response)

    @abstractmethod
    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Record that no usable answer came; what answered another question goes."""

    @abstractmethod
    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether a subject has something already, which stays where no answer comes at all."""

    def stand_in(self, store: Store) -> ChatPort | None:
        """Who answers where no model is asked; None where nothing stands in."""
        return None


TASKS: Registry[Task[Any]] = Registry(
    "LLM task",
    "interest_profiler.tasks",
    Task,
    {
        "interests": "profiler.asking.tasks.interests:INTERESTS",
        "allocation": "profiler.asking.tasks.interests:ALLOCATION",
        "cards": "profiler.asking.tasks.cards:CARDS",
        "layers": "profiler.asking.tasks.layers:LAYERS",
        "naming": "profiler.asking.tasks.naming:NAMING",
        "recommendation": "profiler.asking.tasks.recommendation:RECOMMENDATION",
        "reflection": "profiler.asking.tasks.reflection:REFLECTION",
        "rank": "profiler.asking.tasks.rank:RANK",
        "teacher_lists": "profiler.asking.tasks.teacher_lists:TEACHER_LISTS",
    },
)
"""The LLM tasks by name, ours and those that other packages add."""
