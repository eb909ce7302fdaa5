"""Recommendation: ten of a case's candidates in order, asked with a hint or without one.

These are turn 1 and the trials of Re2LLM (arXiv 2403.16427). The question with a hint is the same
question with one line more; that line is what a trial measures. Success is by ID: the authors' code
takes any answer for right whose text holds the target's title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from profiler.asking.answers.answer_schema import AnswerError
from profiler.asking.answers.read import MAX_ERRORS, plain_errors
from profiler.asking.task import Task
from profiler.hints.cases import AskedCase, gain_of
from profiler.llm.port import ChatPort, Request
from profiler.shown import ShownSubject
from prompts.answer import ItemId
from prompts.items import shown_ids
from store.digests import text_digest
from store.tables.tasks.hints import Hint, Trial
from store.tables.tasks.subjects import TaskSubject

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse

SCHEMA = "recommendation"
TOKENS_PER_ID = 9


class ChosenItems(BaseModel):
    """IDs of the candidates that are likeliest to come next, the likeliest first."""

    model_config = ConfigDict(extra="forbid", strict=True)

    items: list[ItemId]


def read_items(document: Any, request: Request, wanted: int) -> tuple[str, ...]:
    """The IDs that an answer names: so many, each once, all of them candidates.

    Raises
    ------
    AnswerError
        It is no such document, or names too few, too many, foreign or repeated IDs.
    """
    try:
        items = ChosenItems.model_validate(document).items
    except ValidationError as error:
        raise AnswerError("schema", plain_errors(error)) from error
    known = shown_ids([item.item_id for item in request.subject.items])
    foreign = [one for one in dict.fromkeys(items) if one not in known]
    errors = [f"the id {one[:40]!r} is no candidate" for one in foreign]
    twice = sorted({one for one in items if items.count(one) > 1})
    errors += [f"the id {one[:40]!r} is named twice" for one in twice]
    if len(items) != wanted:
        errors.append(f"name {wanted} items, not {len(items)}")
    if errors:
        raise AnswerError("grounding", tuple(errors[:MAX_ERRORS]), wrong_ids=bool(foreign))
    return tuple(items)


@dataclass(frozen=True)
class HintedCase:
    """One question: a case and the hint that it is asked with, or None."""

    case: AskedCase
    hint: Hint | None = None

    @property
    def text(self) -> str:
        """The words of the hint; empty without one."""
        return self.hint.text if self.hint else ""

    @property
    def name(self) -> str:
        """Name of its row: the case's own, and one for each wording of a hint."""
        if self.hint is None:
            return self.case.name
        return f"{self.case.name} hint:{self.hint.text_digest[-12:]}"


class Recommendation(Task[tuple[str, ...]]):
    """Which candidates come next.

    Parameters
    ----------
    asked
        What is asked about.
    source, template_digest
        Who is asked, and the question, as trials record them.
    """

    name = "recommendation"
    purpose = "which of a model's candidates come next, with a hint or without one"
    template = "recommend_items"
    schema_name = SCHEMA

    def __init__(
        self, asked: Sequence[HintedCase] = (), source: str = "", template_digest: str = ""
    ) -> None:
        self.asked = {one.name: one for one in asked}
        self.source, self.template_digest = source, template_digest

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """One for each question; none has a row until :func:`with_rows` gives it one."""
        return [one.case.shown(one.name, None) for one in self.asked.values()]

    def variables(self, subject: ShownSubject) -> Mapping[str, Any]:
        """The history, the hint, and how many items are wanted."""
        one = self.asked[subject.name]
        return one.case.variables(one.text)

    def answer_tokens(self, request: Request) -> float:
        """An ID takes some nine tokens with what is around it."""
        return float(TOKENS_PER_ID * self.asked[request.subject.name].case.wanted)

    def read(self, document: Any, request: Request) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The named candidates in order."""
        return read_items(document, request, self.asked[request.subject.name].case.wanted), ()

    def write(
        self, store: Store, subject: ShownSubject, value: tuple[str, ...], response: StoredResponse
    ) -> None:
        """Keep the rank of the target as a trial of the hint."""
        one = self.asked[subject.name]
        if one.case.target is not None:
            rank = one.case.rank_in(value)
            hint = None if one.hint is None else one.hint.hint_id
            trial = trial_of(store, one.case, hint, one.text, rank, response, self.template_digest)
            store.hints.save_trials([replace(trial, source=self.source or response.model)])
        set_state(store, subject, "ok")

    def parents(self, store: Store, subject: ShownSubject) -> Sequence[int]:
        """The answer that the hint was read from: its words stand in the question."""
        hint = self.asked[subject.name].hint
        return () if hint is None or hint.response_id is None else (hint.response_id,)

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Record why the question has no usable answer."""
        set_state(store, subject, "quarantined", reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether an answer is kept already."""
        states = {one.name: one.state for one in store.tasks.load(self.name)}
        return states.get(subject.name) == "ok"

    def stand_in(self, store: Store) -> ChatPort:
        """The order of the nominating model, changed by hints that are rules of categories."""
        from profiler.offline.hints import OfflineHints

        return OfflineHints({one.case.name: one.case for one in self.asked.values()})


RECOMMENDATION = Recommendation()


def with_rows(
    store: Store, task: str, subjects: Sequence[ShownSubject], cases: Mapping[str, AskedCase]
) -> list[ShownSubject]:
    """Give subjects their rows, by which forgetting a user finds what was asked about them."""
    rows = store.tasks.add(
        TaskSubject(task, "case", one.name, user_ix=cases[one.name].user_ix) for one in subjects
    )
    return [replace(one, task_subject_id=row) for one, row in zip(subjects, rows, strict=True)]


def set_state(store: Store, subject: ShownSubject, state: Any, reason: str | None = None) -> None:
    """Record how asking about a subject ended, where it has a row."""
    if subject.task_subject_id is not None:
        store.tasks.set_states([subject.task_subject_id], state, reason)


def trial_of(
    store: Store,
    case: AskedCase,
    hint: int | None,
    text: str,
    rank: int | None,
    response: StoredResponse,
    template_digest: str,
) -> Trial:
    """A trial, under the row that the case itself has."""
    row = TaskSubject(Recommendation.name, "case", case.name, user_ix=case.user_ix)
    return Trial(
        hint_id=hint,
        task_subject_id=store.tasks.add([row])[0],
        source=response.model,
        text_digest=text_digest(text) if text else "",
        rank=rank,
        score=gain_of(rank),
        template_digest=template_digest,
        response_id=response.response_id,
    )
