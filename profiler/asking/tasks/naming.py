"""Naming: the code groups a subject's items, the model only names each group.

Evidence is right by construction, prompts are short, and a small model can do it. The groups are
those of the offline extractor (:mod:`profiler.offline.grouping`); they are asked about in order,
and each question tells what the groups before it are called.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from profiler.asking.answers.answer_schema import MAX_INTERESTS, AnswerError, Interest
from profiler.asking.answers.grounding import copied_error, normal_label
from profiler.asking.answers.read import plain_errors
from profiler.asking.answers.sensitive import private_attribute
from profiler.asking.questions import CORRECTION
from profiler.asking.subjects import shown_subjects
from profiler.asking.task import Answered, Make, Reading, Task
from profiler.asking.tasks.interests import INTERESTS, subject_number
from profiler.llm.port import Request
from profiler.shown import ShownSubject
from prompts.answer import Description, Label

if TYPE_CHECKING:
    from profiler.offline.stored_groups import StoredGroups
    from store.store import Store
    from store.tables.ledger import StoredResponse

TITLES = 10
"""Titles of a group that are shown, the most typical ones."""
REST_LABEL = "Other items"
REST = "Items that have neither a title nor a category."


class Name(BaseModel):
    """What a group is called, and what it means."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    label: Label
    description: Description


class Naming(Task[Name]):
    """A label and a sentence for each group of a subject's items.

    Parameters
    ----------
    max_interests
        Most groups of a subject.
    groups
        Groups of a store's subjects; :meth:`prepared` makes them.
    """

    name = "naming"
    purpose = "names for groups of items that were grouped before, one call a group"
    template = "name_group"
    schema_name = "name"

    def __init__(
        self, max_interests: int = MAX_INTERESTS, groups: StoredGroups | None = None
    ) -> None:
        self.max_interests, self._made = max_interests, groups

    def limited(self, max_interests: int) -> Naming:
        """The task with this many groups a subject at most."""
        return Naming(max_interests)

    def prepared(self, store: Store) -> Naming:
        """The task with the groups of a store's subjects."""
        from profiler.offline.stored_groups import StoredGroups

        return Naming(self.max_interests, StoredGroups(store, self.max_interests))

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """All active subjects."""
        return shown_subjects(store, store.subjects.load())

    def questions(
        self, subject: ShownSubject, make: Make
    ) -> Generator[Request, Reading[Name], None]:
        """One question a group, each with what the groups before it are called."""
        taken: list[str] = []
        for group in self._groups.of(subject):
            shown = replace(subject, items=tuple(group[:TITLES]))
            request = make(shown, {**self.variables(subject), "taken": list(taken)})
            expected = replace(request.expected, taken=tuple(taken))
            reading = yield replace(request, expected=expected)
            if reading.value.label not in taken:
                taken.append(reading.value.label)

    def count_questions(self, subject: ShownSubject) -> int:
        """Number of groups."""
        return len(self._groups.of(subject))

    def read(self, document: Any, request: Request) -> tuple[Name, tuple[str, ...]]:
        """A label that no other group has, and a sentence.

        A model that calls a group as another one, and again when it is told so, takes both for one
        interest: they are merged.

        Raises
        ------
        AnswerError
            It is no such document, the label is taken, or something private is said.
        """
        try:
            name = Name.model_validate(document)
        except ValidationError as error:
            raise AnswerError("schema", plain_errors(error)) from error
        errors = []
        label = normal_label(name.label)
        taken = {normal_label(one): one for one in request.expected.taken}
        said_again = CORRECTION in request.messages[-1].content if request.messages else False
        if label in taken and not said_again:
            errors.append(
                f"{name.label!r} is what another group is called; say what sets this one apart"
            )
        titles = [item.title for item in request.subject.items]
        for text in (name.label, name.description):
            found = private_attribute(text, titles)
            if found:
                errors.append(
                    f"{text!r} says something about the person's {found.kind} ({found.words!r}); "
                    "describe the items only"
                )
        if not request.expected.examples.isdisjoint({label, normal_label(name.description)}):
            errors.append(copied_error(name.label))
        if errors:
            raise AnswerError("grounding", tuple(errors))
        if label in taken:
            same = name.model_copy(update={"label": taken[label]})
            return same, (f"merged into {taken[label]!r}, as which the model names it twice",)
        return name, ()

    def write(
        self, store: Store, subject: ShownSubject, value: Name, response: StoredResponse
    ) -> None:
        """Keep the name of the first group alone."""
        self._save(store, subject, [(value, response)])

    def keep(self, store: Store, subject: ShownSubject, answers: Sequence[Answered[Name]]) -> None:
        """Replace the interests of the subject by its named groups, each with its own answer."""
        self._save(store, subject, [(one.reading.value, one.response) for one in answers])

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Remove the interests of the subject and record why it has none."""
        INTERESTS.quarantine(store, subject, reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether the subject has interests."""
        return INTERESTS.keeps(store, subject)

    def variables(self, subject: ShownSubject) -> Mapping[str, Any]:
        """Labels of the groups before: none, for the first."""
        return {"taken": []}

    @property
    def _groups(self) -> StoredGroups:
        if self._made is None:
            raise ValueError("the groups of a store are needed: Naming().prepared(store)")
        return self._made

    def _save(
        self, store: Store, subject: ShownSubject, named: Sequence[tuple[Name, StoredResponse]]
    ) -> None:
        merged: dict[str, tuple[Interest, int]] = {}
        for group, (name, response) in zip(self._groups.of(subject), named, strict=False):
            before = merged[name.label][0].evidence if name.label in merged else []
            evidence = [*before, *(item.item_id for item in group)]
            # The newest answer is the one that a conversation is known by.
            interest = _interest(name.label, name.description, evidence)
            merged[name.label] = interest, response.response_id
        interests = [interest for interest, _ in merged.values()]
        answers: list[int | None] = [answer for _, answer in merged.values()]
        rest = [item.item_id for item in self._groups.rest(subject)]
        if rest:
            label = _free(REST_LABEL, (name.label for name, _ in named))
            interests.append(_interest(label, REST, rest))
            answers.append(None)
        store.interests.save(
            subject_number(subject),
            interests,
            source=named[-1][1].model,
            response_id=answers,
        )


def _interest(label: str, description: str, evidence: list[str]) -> Interest:
    return Interest(label=label, description=description, evidence=evidence)


def _free(label: str, taken: Iterable[str]) -> str:
    """The label, with a number where it is taken."""
    others = {normal_label(one) for one in taken}
    spare = (label, *(f"{label} ({n})" for n in range(2, len(others) + 3)))
    return next(one for one in spare if normal_label(one) not in others)


NAMING = Naming()
