"""Reflection: where a list missed what came next, a model says why and learns hints from it.

One conversation a case, as in Re2LLM (arXiv 2403.16427): the list, its probable mistakes, their
causes once the target is told, and hints. Then the list is asked for again with each hint alone:
only a hint that brings the target among the items named has mended its case.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from profiler.asking.answers.answer_schema import AnswerError, one_line
from profiler.asking.answers.read import plain_errors
from profiler.asking.answers.sensitive import about_choosers
from profiler.asking.task import Answered, Make, Reading, Task
from profiler.asking.tasks.recommendation import (
    SCHEMA,
    read_items,
    set_state,
    trial_of,
)
from profiler.hints.cases import AskedCase
from profiler.hints.leaks import leak_of
from profiler.llm.port import ChatPort, Expected, Message, Request
from profiler.shown import ShownSubject
from prompts import Template, load_template
from prompts.schema import unbounded
from store.digests import canonical_json
from store.tables.tasks.hints import Hint

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse

TURNS = {"mistakes": "reflect_mistakes", "causes": "reflect_causes", "hints": "reflect_hints"}
"""The turns after the list, by what they ask for, and their templates."""
MOST_HINTS = 3
"""Hints of one case."""
MOST_SENTENCES, LONGEST_HINT, LONGEST_SENTENCE = 6, 240, 600
Sentences = tuple[str, ...]
_SENTENCES = TypeAdapter(
    list[Annotated[str, Field(min_length=1, max_length=LONGEST_SENTENCE), AfterValidator(one_line)]]
)


class Reflection(Task[Sentences]):
    """What a model learns from a list that missed.

    Parameters
    ----------
    cases
        The cases by name.
    turns
        Templates of the turns after the list, by what they ask for; ours where none are given.
    source, template_digest
        Who is asked, and the question, as trials record them.
    """

    name = "reflection"
    purpose = "hints that a model learns from lists that missed what came next"
    template = "reflect_hints"
    schema_name = SCHEMA  # of the first question, which is the one that Recommendation asks

    def __init__(
        self,
        cases: Mapping[str, AskedCase] | None = None,
        turns: Mapping[str, Template] | None = None,
        source: str = "",
        template_digest: str = "",
    ) -> None:
        self.cases = cases or {}
        self._turns = turns or {}
        self.source, self.template_digest = source, template_digest

    def turn(self, name: str) -> Template:
        """The template of a turn."""
        return self._turns.get(name) or load_template(TURNS[name])

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """One for each case; none has a row yet."""
        return [one.shown(one.name, None) for one in self.cases.values()]

    def variables(self, subject: ShownSubject) -> Mapping[str, Any]:
        """The history, and how many items are wanted."""
        return self.cases[subject.name].variables("")

    def questions(
        self, subject: ShownSubject, make: Make
    ) -> Generator[Request, Reading[Sentences], None]:
        """The list; where it missed, three turns more, and the list again with each hint."""
        case = self.cases[subject.name]
        request = make(subject, case.variables(""))
        said = (yield request).value
        if case.rank_in(said) is not None:
            return
        key = "items"
        values = {"target": case.target_id, "most": MOST_HINTS}
        for turn in TURNS:
            request = _next_turn(request, {key: list(said)}, turn, self.turn(turn), values)
            said, key = (yield request).value, turn
        for hint in said:
            if leak_of(hint, case) is None:
                yield make(subject, case.variables(hint))

    def count_questions(self, subject: ShownSubject) -> int:
        """The list, three turns, and one list for each hint, where none gives an item away."""
        return 1 + len(TURNS) + MOST_HINTS

    def read(self, document: Any, request: Request) -> tuple[Sentences, tuple[str, ...]]:
        """IDs of a list, or the sentences that a turn asks for.

        Raises
        ------
        AnswerError
            It is no such document, or a hint is too long or speaks of persons.
        """
        if request.schema_name == SCHEMA:
            return read_items(document, request, self.cases[request.subject.name].wanted), ()
        said = _sentences(document, request.schema_name)
        if request.schema_name != "hints":
            return said, ()
        errors = [
            f"{one[:40]!r} is longer than {LONGEST_HINT} characters"
            for one in said
            if len(one) > LONGEST_HINT
        ]
        for one in said:
            if found := about_choosers(one):
                errors.append(f"{one[:40]!r} speaks of the {found.kind} of persons")
        if len(said) > MOST_HINTS:
            errors.append(f"give at most {MOST_HINTS} hints, not {len(said)}")
        if errors:
            raise AnswerError("grounding", tuple(errors))
        return tuple(dict.fromkeys(said)), ()

    def write(
        self, store: Store, subject: ShownSubject, value: Sentences, response: StoredResponse
    ) -> None:
        """Keep nothing but that the case was asked about: its list missed nothing."""
        set_state(store, subject, "ok")

    def keep(
        self, store: Store, subject: ShownSubject, answers: Sequence[Answered[Sentences]]
    ) -> None:
        """Keep every hint, what became of it, and the trials that say so."""
        set_state(store, subject, "ok")
        if len(answers) <= len(TURNS) or subject.task_subject_id is None:
            return
        given, lists = answers[len(TURNS)], answers[len(TURNS) + 1 :]
        if store.hints.has_answer(given.response.response_id):
            return
        case, tried = self.cases[subject.name], iter(lists)
        for text in given.reading.value:
            leak = leak_of(text, case)
            again = None if leak else next(tried)
            rank = None if again is None else case.rank_in(again.reading.value)
            hint = self._judged(text, leak, rank, subject.task_subject_id, given.response)
            number = store.hints.add([hint])[0]
            if again is not None:
                trial = trial_of(
                    store, case, number, text, rank, again.response, self.template_digest
                )
                store.hints.save_trials([replace(trial, source=self.source)])
                parents = [given.response.response_id]
                store.tasks.add_parents(again.response.response_id, parents)

    def _judged(
        self, text: str, leak: str | None, rank: int | None, row: int, answer: StoredResponse
    ) -> Hint:
        """A hint with what became of it on its own case."""
        if leak:
            status, reason = "leaking", leak
        elif rank is None:
            status, reason = "ineffective", "with it the list misses the case that it is from"
        else:
            status, reason = "mends", None
        return Hint(
            purpose="ranking",
            text=text,
            status=status,  # type: ignore[arg-type]
            source=self.source or answer.model,
            reason=reason,
            task_subject_id=row,
            response_id=answer.response_id,
        )

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Record why the conversation has no usable answer."""
        set_state(store, subject, "quarantined", reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether the case was asked about to its end before."""
        states = {one.name: one.state for one in store.tasks.load(self.name)}
        return states.get(subject.name) == "ok"

    def stand_in(self, store: Store) -> ChatPort:
        """Hints that are rules of categories; the control of those that a model writes."""
        from profiler.offline.hints import OfflineHints

        return OfflineHints(self.cases)


REFLECTION = Reflection()


def _next_turn(
    before: Request,
    answer: Mapping[str, Any],
    turn: str,
    template: Template,
    values: Mapping[str, Any],
) -> Request:
    """The conversation so far, the answer as it was read, and the question of the next turn."""
    rendered = template.render(values)
    asked = "\n\n".join(text for _, text in rendered.messages)
    said = Message("assistant", canonical_json(dict(answer)))
    return replace(
        before,
        messages=(*before.messages, said, Message("user", asked)),
        schema=unbounded(template.output_schema),
        schema_name=turn,
        task=template.task,
        template=template.name,
        template_digest=template.digest,
        expected=Expected(schema=template.output_schema),
    )


def _sentences(document: Any, key: str) -> Sentences:
    if not isinstance(document, dict) or set(document) != {key}:
        raise AnswerError("schema", (f"answer with an object whose only key is {key!r}",))
    try:
        said = _SENTENCES.validate_python(document[key], strict=True)
    except ValidationError as error:
        raise AnswerError("schema", plain_errors(error)) from error
    if not 1 <= len(said) <= MOST_SENTENCES:
        raise AnswerError("schema", (f"give 1 to {MOST_SENTENCES} sentences, not {len(said)}",))
    return tuple(said)
