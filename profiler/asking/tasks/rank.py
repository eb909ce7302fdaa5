"""Ranking: the best of a teacher's candidates for one case of training, in order.

ALKDRec (AAAI'25, arXiv 2502.15685) asks for 25 of 50. An answer names candidates only, each once,
and exactly as many as were asked for; the authors' code checks none of this. The case's target is
among the candidates where the teacher ranked it there and is never put there, except on demand.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.answers.read import MAX_ERRORS, plain_errors
from profiler.asking.cutting import item_texts
from profiler.asking.subjects import shown_items
from profiler.asking.task import Make, Reading, Task
from profiler.llm.port import OFFLINE, ChatPort, Request
from profiler.shown import ShownItem, ShownSubject
from prompts.items import estimate_tokens
from store.errors import UserError
from store.tables.tasks.cases import Case
from store.tables.tasks.rankings import Ranking
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse

MOST_WANTED = 25
"""Of 50 candidates, as published; of fewer, half."""
EXPECTED_HINTS = ("x" * 120,) * 4
"""What hints take in a prompt, where they are still to be asked for."""


def _number(value: Any) -> Any:
    """A number in quotes stands for the number that it spells."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    ranking: list[Annotated[int, BeforeValidator(_number)]]


@dataclass(frozen=True)
class AskedCase:
    """A case as one model is asked about it.

    Attributes
    ----------
    case
        As it was nominated.
    candidates
        ``item_ix`` in the order in which they are shown.
    forced
        Whether the target was put among them, in the last one's place.
    """

    case: Case
    candidates: tuple[int, ...]
    forced: bool = False

    @classmethod
    def of(cls, case: Case, *, force_target: bool = False) -> AskedCase:
        """A case with the teacher's candidates, and with its target where that is forced."""
        if not force_target or case.target_ix in case.candidates:
            return cls(case, case.candidates)
        return cls(case, (*case.candidates[:-1], case.target_ix), forced=True)

    @property
    def wanted(self) -> int:
        """How many candidates an answer names."""
        return min(MOST_WANTED, max(1, len(self.candidates) // 2))

    def name(self, source: str) -> str:
        """What the task's subject is called where ``source`` is asked."""
        return f"{self.case.name}:{source}{':forced' if self.forced else ''}"


@dataclass(frozen=True)
class RankChoice:
    """Which cases are asked about, and how.

    Attributes
    ----------
    model
        Who is asked.
    template_digest
        The question; a ranking that answers another one is asked for anew.
    cases
        Those of a nomination.
    hints, hints_response
        Sentences on the teacher's lists, and the answer that they were read from.
    token_budget
        Most tokens of the items shown; the oldest of the history are left out.
    only_pending
        Leave cases that the model has ranked, whatever the question was.
    retry
        Ask about the quarantined cases and about no others.
    """

    model: str = OFFLINE
    template_digest: str | None = None
    cases: tuple[AskedCase, ...] = ()
    hints: tuple[str, ...] = ()
    hints_response: int | None = None
    token_budget: int = 6_000
    only_pending: bool = False
    retry: bool = False


class Rank(Task[tuple[int, ...]]):
    """Which candidates of a case are likely to be taken next."""

    name = "rank"
    purpose = "the best of a trained model's candidates for one history, in order"
    template = "rank_case"
    schema_name = "ranking"

    def __init__(self, choice: RankChoice | None = None) -> None:
        self.choice = choice or RankChoice()
        self._asked = {one.name(self.choice.model): one for one in self.choice.cases}

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """The cases that are due: the candidates, then as much of the history as the budget holds.

        Raises
        ------
        UserError
            The budget does not hold the candidates and one item of the history.
        """
        due = self._due(store)
        wanted = {item for one in due for item in (*one.candidates, *one.case.history)}
        items = shown_items(store, wanted)
        numbers = {one.name: one.task_subject_id for one in store.tasks.load(self.name)}
        return [self._subject(one, items, numbers) for one in due]

    def variables(self, subject: ShownSubject) -> Mapping[str, Any]:
        """Where candidates end and the history begins, and what was noticed before."""
        one = self.asked(subject)
        return {
            "candidates": len(one.candidates),
            "first_taken": len(one.candidates) + 1,
            "wanted": one.wanted,
            "hints": list(self.choice.hints),
        }

    def questions(
        self, subject: ShownSubject, make: Make
    ) -> Generator[Request, Reading[tuple[int, ...]], None]:
        """One question; its schema holds a model to candidates, where a service does that."""
        request = make(subject, self.variables(subject))
        one = self.asked(subject)
        yield replace(request, expected=replace(request.expected, schema=bounded_schema(one)))

    def parent(self, store: Store, subject: ShownSubject) -> int | None:
        """The answer whose hints the question quotes."""
        return self.choice.hints_response

    def answer_tokens(self, request: Request) -> float:
        """A number takes two tokens and its comma one."""
        return 3.0 * self.asked(request.subject).wanted + 10

    def read(self, document: Any, request: Request) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """``item_ix`` of the candidates named: exactly as many as asked for, each once."""
        one = self.asked(request.subject)
        try:
            numbers = _Document.model_validate(document).ranking
        except ValidationError as error:
            raise AnswerError("schema", plain_errors(error)) from error
        last = len(one.candidates)
        foreign = sorted({number for number in numbers if not 1 <= number <= last})
        errors = [f"{number} is no candidate: they are 1 to {last}" for number in foreign]
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        errors += [f"{number} stands there more than once" for number in twice]
        if len(numbers) != one.wanted:
            errors.append(f"{len(numbers)} numbers are given, {one.wanted} are wanted")
        if errors:
            raise AnswerError("grounding", tuple(errors[:MAX_ERRORS]))
        return tuple(one.candidates[number - 1] for number in numbers), ()

    def write(
        self,
        store: Store,
        subject: ShownSubject,
        value: tuple[int, ...],
        response: StoredResponse,
    ) -> None:
        """Keep the ranking in place of what the model gave of the case before."""
        one = self.asked(subject)
        ranking = Ranking(
            case_id=one.case.case_id,
            source=self.choice.model,
            items=value,
            forced=one.forced,
            template_digest=self.choice.template_digest,
            response_id=response.response_id,
        )
        store.rankings.save([ranking])
        store.tasks.set_states(self._rows(store, subject), "ok")

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Record that no answer could be used; a ranking that answers another question goes."""
        one = self.asked(subject)
        store.rankings.remove(one.case.case_id, self.choice.model, forced=one.forced)
        store.tasks.set_states(self._rows(store, subject), "quarantined", reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether the model has ranked the case."""
        one = self.asked(subject)
        mine = store.rankings.load([one.case.case_id], self.choice.model)
        return any(ranking.forced == one.forced for ranking in mine)

    def stand_in(self, store: Store) -> ChatPort:
        """The teacher's order with that of the texts; the control of real rankings."""
        from profiler.offline.ranker import OfflineRanker

        return OfflineRanker.of_store(store)

    def asked(self, subject: ShownSubject) -> AskedCase:
        """The case that a subject is about.

        Raises
        ------
        UserError
            The subject is no case of a nomination: only ``profiler rank`` asks this question.
        """
        if subject.name not in self._asked:
            raise UserError(
                f"a template of the task 'rank' asks about nominated cases, not about "
                f"{subject.name}; use it with: profiler rank"
            )
        return self._asked[subject.name]

    def divided(self) -> dict[str, Any]:
        """What the stand-in must know: how many items are candidates, how many are wanted."""

        def sizes(subject: ShownSubject) -> tuple[int, int]:
            one = self.asked(subject)
            return len(one.candidates), one.wanted

        return {"sizes": sizes}

    def register(self, store: Store) -> None:
        """Give each case a row of its own, by which forgetting its user finds what was asked."""
        store.tasks.add(
            TaskSubject(self.name, "case", name, user_ix=one.case.user_ix)
            for name, one in self._asked.items()
        )

    def _rows(self, store: Store, subject: ShownSubject) -> list[int]:
        if subject.task_subject_id is None:
            raise ValueError(f"{subject.name} has no row: register the task's cases first")
        return [subject.task_subject_id]

    def _due(self, store: Store) -> list[AskedCase]:
        states = {one.name: one.state for one in store.tasks.load(self.name)}
        if self.choice.retry:
            return [one for name, one in self._asked.items() if states.get(name) == "quarantined"]
        have = {
            (ranking.case_id, ranking.forced): ranking
            for ranking in store.rankings.load(source=self.choice.model)
        }
        return [
            one
            for name, one in self._asked.items()
            if states.get(name) != "quarantined"
            and self._is_due(store, have.get((one.case.case_id, one.forced)))
        ]

    def _is_due(self, store: Store, ranking: Ranking | None) -> bool:
        """Whether a case is asked about: without a ranking, or with one of another question."""
        if ranking is None:
            return True
        if self.choice.only_pending:
            return False
        if ranking.template_digest != self.choice.template_digest:
            return True
        if ranking.response_id is None:
            return False
        parents = store.tasks.parents(ranking.response_id)
        mine = [] if self.choice.hints_response is None else [self.choice.hints_response]
        return parents != mine

    def _subject(
        self, one: AskedCase, items: Mapping[int, ShownItem], numbers: Mapping[str, int]
    ) -> ShownSubject:
        name = one.name(self.choice.model)
        first = [items[item] for item in one.candidates]
        taken = [items[item] for item in one.case.history]
        kept = fitting(first, taken, self.choice.token_budget)
        if not kept:
            raise UserError(
                f"token_budget {self.choice.token_budget} does not hold {len(first)} candidates "
                "and one item of the history; raise it, or nominate fewer candidates"
            )
        return ShownSubject(None, "case", name, (*first, *kept), numbers.get(name))


def fitting(
    first: Sequence[ShownItem], taken: Sequence[ShownItem], token_budget: int
) -> Sequence[ShownItem]:
    """The last items of a history whose lines fit a budget together with all of ``first``."""
    lines = item_texts([*first, *taken], numbered=True)
    costs = [estimate_tokens(line + "\n") for line in lines]
    left = token_budget - sum(costs[: len(first)])
    for number, cost in enumerate(reversed(costs[len(first) :])):
        left -= cost
        if left < 0:
            return taken[len(taken) - number :]
    return taken


def bounded_schema(one: AskedCase) -> dict[str, Any]:
    """The answer's schema with the bounds of one case, for services that hold a model to it."""
    number = {"type": "integer", "minimum": 1, "maximum": len(one.candidates)}
    ranking = {"type": "array", "items": number, "minItems": one.wanted, "maxItems": one.wanted}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["ranking"],
        "properties": {"ranking": ranking},
    }


RANK = Rank()
