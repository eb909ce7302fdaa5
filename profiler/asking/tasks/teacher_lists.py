"""Hints on a teacher's lists: one question about twenty sessions, quoted by all rankings.

ALKDRec (AAAI'25, arXiv 2502.15685) asks this once for a data set. Its authors pasted the answer
into their ranking prompt by hand; here it is stored, and is the parent of the rankings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from profiler.asking.answers.answer_schema import AnswerError, one_line
from profiler.asking.answers.read import MAX_ERRORS, plain_errors
from profiler.asking.answers.sensitive import about_choosers, private_attribute
from profiler.asking.cutting import item_texts
from profiler.asking.subjects import shown_items
from profiler.asking.task import Task
from profiler.llm.port import OFFLINE, ChatPort, Request
from profiler.shown import ShownItem, ShownSubject
from prompts.items import clean_text, estimate_tokens
from store.errors import UserError
from store.tables.tasks.cases import Case
from store.tables.tasks.rankings import TeacherHints
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse

MOST_HINTS, MAX_HINT = 6, 300
LISTED = 20
"""Items of a teacher's list that are shown, as published."""
LEAST_LISTED = 5
NAMED = 12
"""Characters from which a title in a hint is taken for the item's name."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    hints: list[Annotated[str, Field(max_length=MAX_HINT), AfterValidator(one_line)]] = Field(
        min_length=1, max_length=MOST_HINTS
    )


@dataclass(frozen=True)
class Session:
    """What is shown of one case: the end of its history and the beginning of its list."""

    taken: tuple[int, ...]
    listed: tuple[int, ...]


@dataclass(frozen=True)
class ListsChoice:
    """Which lists are shown to whom.

    Attributes
    ----------
    model, template_digest
        Who is asked, and the question.
    cases
        Whose histories and lists are shown.
    token_budget
        Most tokens of the items shown: histories are shortened first, then lists.
    """

    model: str = OFFLINE
    template_digest: str = ""
    cases: tuple[Case, ...] = ()
    token_budget: int = 6_000


class TeacherLists(Task[tuple[str, ...]]):
    """What a teacher's lists get right and wrong."""

    name = "teacher_lists"
    purpose = "hints on a trained model's lists, quoted where its candidates are ranked"
    template = "teacher_lists"
    schema_name = "hints"

    def __init__(self, choice: ListsChoice | None = None) -> None:
        self.choice = choice or ListsChoice()
        self._sessions: tuple[Session, ...] = ()

    @property
    def subject_name(self) -> str:
        """What the task's one subject is called: the teacher, as this model is asked about it."""
        teacher = self.choice.cases[0].teacher if self.choice.cases else ""
        return f"model:{teacher[-12:]}:{self.choice.model}"

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """The teacher, shown by its lists; nobody where no case is given.

        Raises
        ------
        UserError
            The budget does not hold so many sessions.
        """
        cases = self.choice.cases
        if not cases:
            return []
        items = shown_items(store, {ix for one in cases for ix in (*one.history, *one.candidates)})
        self._sessions = fitting_sessions(cases, items, self.choice.token_budget)
        shown = (items[ix] for one in self._sessions for ix in (*one.taken, *one.listed))
        numbers = {one.name: one.task_subject_id for one in store.tasks.load(self.name)}
        name = self.subject_name
        return [ShownSubject(None, "model", name, tuple(shown), numbers.get(name))]

    def variables(self, subject: ShownSubject) -> Mapping[str, Any]:
        """Numbers of what each person took, and of what was listed then."""
        ranges, before = [], 0
        for one in self._sessions:
            taken, listed = before + len(one.taken), before + len(one.taken) + len(one.listed)
            ranges.append(
                {
                    "first_taken": before + 1,
                    "last_taken": taken,
                    "first_listed": taken + 1,
                    "last_listed": listed,
                }
            )
            before = listed
        return {"sessions": ranges}

    def answer_tokens(self, request: Request) -> float:
        """Some four sentences."""
        return 160.0

    def read(self, document: Any, request: Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """General sentences: none names an item, gives a number of one, or speaks of a person."""
        try:
            hints = _Document.model_validate(document).hints
        except ValidationError as error:
            raise AnswerError("schema", plain_errors(error)) from error
        names = titles_of(request.subject.items)
        errors = [wrong for hint in hints if (wrong := hint_error(hint, names))]
        if errors:
            raise AnswerError("grounding", tuple(errors[:MAX_ERRORS]))
        return tuple(dict.fromkeys(hints)), ()

    def write(
        self,
        store: Store,
        subject: ShownSubject,
        value: tuple[str, ...],
        response: StoredResponse,
    ) -> None:
        """Keep the hints in place of what the model said of the teacher before."""
        store.rankings.save_hints(
            TeacherHints(
                teacher=self.choice.cases[0].teacher,
                source=self.choice.model,
                hints=value,
                template_digest=self.choice.template_digest,
                response_id=response.response_id,
            )
        )
        self._settle(store, subject, "ok")

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Record that no answer could be used; what was said of the teacher before goes."""
        store.rankings.remove_hints(self.choice.cases[0].teacher, self.choice.model)
        self._settle(store, subject, "quarantined", reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether the model said something of the teacher."""
        return self.stored(store) is not None

    def stored(self, store: Store) -> TeacherHints | None:
        """What the model said of the teacher."""
        teachers = {one.teacher for one in self.choice.cases}
        found = (one for one in store.rankings.hints() if one.source == self.choice.model)
        return next((one for one in found if one.teacher in teachers), None)

    def stand_in(self, store: Store) -> ChatPort:
        """Which categories lists hold more often than histories; the control of real hints."""
        from profiler.offline.ranker import OfflineRanker

        return OfflineRanker.of_store(store)

    def register(self, store: Store) -> None:
        """Give the teacher a row, with the users whose histories are shown."""
        subject = TaskSubject(self.name, "model", self.subject_name)
        (number,) = store.tasks.add([subject])
        store.tasks.add_users(number, (one.user_ix for one in self.choice.cases))

    def divided(self) -> dict[str, Any]:
        """What the stand-in must know: which of the items were taken, and which listed."""
        return {"sessions": self.sessions_of}

    def sessions_of(self, subject: ShownSubject) -> Sequence[tuple[Sequence[ShownItem], ...]]:
        """What was taken and what was listed, session by session, of the items shown."""
        found, before = [], 0
        for one in self._sessions:
            middle = before + len(one.taken)
            end = middle + len(one.listed)
            found.append((subject.items[before:middle], subject.items[middle:end]))
            before = end
        return found

    def _settle(
        self, store: Store, subject: ShownSubject, state: Any, reason: str | None = None
    ) -> None:
        if subject.task_subject_id is None:
            raise ValueError(f"{subject.name} has no row: register it first")
        store.tasks.set_states([subject.task_subject_id], state, reason)


def fitting_sessions(
    cases: Sequence[Case], items: Mapping[int, ShownItem], token_budget: int
) -> tuple[Session, ...]:
    """As much of each history and list as a budget holds, the same lengths for all.

    Raises
    ------
    UserError
        Not even one item taken and five listed of each fit.
    """
    longest = max(len(one.history) for one in cases)
    sizes = [(taken, LISTED) for taken in range(longest, 2, -1)]
    sizes += [(taken, listed) for listed in range(LISTED, LEAST_LISTED - 1, -1) for taken in (3, 1)]
    for taken, listed in sizes:
        sessions = tuple(Session(one.history[-taken:], one.candidates[:listed]) for one in cases)
        shown = [items[ix] for one in sessions for ix in (*one.taken, *one.listed)]
        if sum(estimate_tokens(f"{line}\n") for line in item_texts(shown, numbered=True)) <= (
            token_budget
        ):
            return sessions
    raise UserError(
        f"token_budget {token_budget} does not hold {len(cases)} sessions; raise it, or show fewer"
    )


def titles_of(items: Sequence[ShownItem]) -> list[str]:
    """Titles by which a hint would name an item, in small letters."""
    titles = (clean_text(item.title or "").casefold() for item in items)
    return sorted({title for title in titles if len(title) >= NAMED and " " in title})


def hint_error(hint: str, titles: Sequence[str]) -> str | None:
    """What is wrong with a hint, None where nothing is."""
    said = hint.casefold()
    for title in titles:
        if title in said:
            return f"{hint[:60]!r} names the item {title[:60]!r}; say it of many lists"
    if re.search(r"\[\d+\]|\bitems? (?:number )?\d+", said):
        return f"{hint[:60]!r} gives the number of an item; say it of many lists"
    found = private_attribute(hint) or about_choosers(hint)
    if found:
        return f"{hint[:60]!r} speaks of the {found.kind} of persons ({found.words!r})"
    return None


TEACHER_LISTS = TeacherLists()
