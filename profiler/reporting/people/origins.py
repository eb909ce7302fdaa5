"""Where the words of interests came from: whom they are about, what was read, what was answered."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from profiler.reporting.shared.contract import Message, Origin
from store.views.atlas import (
    Answer,
    SubjectOrigin,
    answers_of,
    interests_of_subjects,
    origins_of,
    subject_origins,
)

if TYPE_CHECKING:
    from profiler.reporting.map.groups import Groups
    from profiler.reporting.shared.item_titles import ItemTitles
    from profiler.reporting.shared.pseudonyms import Names
    from store.store import Store

MOST_RAW = 400_000
"""Characters of raw answers in one file; the store keeps all of them."""

_MARK = re.compile(r"\b[0-9a-f]{16,32}\b")
_KINDS: dict[str, Literal["representative", "blend", "single"]] = {
    "exemplar": "representative",
    "synthetic": "blend",
    "user": "single",
}


@dataclass
class Origins:
    """Origins of the interests of a page.

    Attributes
    ----------
    rows
        Each once, in the order in which they turn up.
    of
        Place in ``rows`` of each interest asked for.
    subjects
        Place in ``rows`` by subject.
    questions
        Each wording once.
    """

    rows: list[Origin] = field(default_factory=list)
    of: list[int] = field(default_factory=list)
    subjects: dict[int, int] = field(default_factory=dict)
    questions: list[list[Message]] = field(default_factory=list)


def find_origins(
    store: Store,
    groups: Groups,
    drawn: int,
    interests: Sequence[int],
    names: Names,
    titles: ItemTitles,
    *,
    room: int = MOST_RAW,
) -> Origins:
    """Trace interests to their answers.

    Parameters
    ----------
    store, groups
        The store and its merged interests above the floor; others are not named.
    drawn
        Interests on the map: the first ones of ``groups``.
    interests
        Ids, those that most people show first.
    names, titles
        What people and items are called. Where nobody is named, nobody's history, question or
        answer is told either.
    room
        Characters of raw answers to hold; those of the widest interests first.
    """
    traced = origins_of(store, interests)
    subjects = list(dict.fromkeys(traced[one][0] for one in interests))
    known = subject_origins(store, subjects)
    answered = interests_of_subjects(store, subjects)
    of_subject = {subject: (source, response) for subject, source, response in traced.values()}
    wanted = [response for _, response in of_subject.values() if response is not None]
    answers = answers_of(store, sorted(set(wanted)))
    found = Origins(subjects={subject: row for row, subject in enumerate(subjects)})
    found.of = [found.subjects[traced[one][0]] for one in interests]
    wordings = _Wordings(found.questions)
    for subject in subjects:
        source, response = of_subject[subject]
        answer = answers.get(response) if response is not None else None
        siblings = [
            (interest, label, place if place < drawn else -1)
            for interest, label, group in answered[subject]
            if (place := groups.index.get(group, -1)) >= 0
        ]
        row = _origin(known[subject], source, answer, siblings, names, titles, wordings, room)
        room -= len(row.raw or "")
        found.rows.append(row)
    return found


class _Wordings:
    """Questions, each wording once: those of one template differ by the items alone."""

    def __init__(self, questions: list[list[Message]]) -> None:
        self.questions = questions
        self.known: dict[str, int] = {}

    def add(self, messages: str, kind: str) -> tuple[int, bool]:
        """Number of a question's wording, and whether it is this very question."""
        parts = [
            Message(role=str(one["role"]), content=_MARK.sub("[mark]", str(one["content"])))
            for one in json.loads(messages)
        ]
        fixed = parts[0].content if len(parts) > 1 else kind
        key = hashlib.sha256(fixed.encode()).hexdigest()
        if key in self.known:
            return self.known[key], False
        self.known[key] = len(self.questions)
        self.questions.append(parts)
        return self.known[key], True


def _origin(
    subject: SubjectOrigin,
    source: str,
    answer: Answer | None,
    siblings: list[tuple[int, str, int]],
    names: Names,
    titles: ItemTitles,
    wordings: _Wordings,
    room: int,
) -> Origin:
    private = names.shown == "none"
    name = names.of(subject.user_ix) if subject.user_ix is not None else names.other(subject.name)
    raw = question = None
    if answer is not None and not private:
        if answer.model != "offline" and len(answer.text) <= room:
            raw = answer.text
        if answer.messages:
            question = wordings.add(answer.messages, subject.kind)
    return Origin(
        kind=_KINDS[subject.kind],
        name=name,
        members=subject.members,
        source=source,
        shown=[] if private else titles.numbers(subject.items),
        answer=siblings,
        model=answer.model if answer else None,
        method=answer.method if answer else None,
        at=answer.created_at[:10] if answer else None,
        raw=raw,
        question=question,
    )
