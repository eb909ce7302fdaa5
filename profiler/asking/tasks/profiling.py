"""Profiling with a hint: the question about an exemplar's interests, and one sentence of advice.

What a model answers is no new interest of the exemplar: it is measured, and the interests that were
paid for stay. Without a hint the question is the build's own, so its answer is in the store.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from profiler.asking.task import Make, Reading
from profiler.asking.tasks.interests import Found, Interests
from profiler.asking.tasks.recommendation import set_state
from profiler.llm.port import Request
from profiler.shown import ShownSubject
from store.tables.tasks.hints import Hint

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse


@dataclass(frozen=True)
class HintedProfile:
    """One question: an exemplar, whose user it is, and the hint that it is asked with, or None."""

    subject: ShownSubject
    user_ix: int
    hint: Hint | None = None

    @property
    def name(self) -> str:
        """Name of its row: the exemplar's own, and one for each wording of a hint."""
        if self.hint is None:
            return self.subject.name
        return f"{self.subject.name} hint:{self.hint.text_digest[-12:]}"

    def shown(self) -> ShownSubject:
        """The subject of the question; it has no row until it is asked."""
        return replace(self.subject, subject_id=None, name=self.name)


class Profiling(Interests):
    """Interests of exemplars, asked for with hints.

    Parameters
    ----------
    asked
        What is asked about.
    max_interests
        Most interests of an answer.

    Attributes
    ----------
    answers
        What was read so far, by name, with its answer.
    """

    name = "profiling"
    purpose = "interests of exemplars with a hint, which are measured and not kept"

    def __init__(self, asked: Sequence[HintedProfile] = (), max_interests: int = 20) -> None:
        super().__init__(max_interests)
        self.asked = {one.name: one for one in asked}
        self.answers: dict[str, tuple[Found, StoredResponse]] = {}

    def limited(self, max_interests: int) -> Profiling:
        """The task with this many interests an answer at most."""
        return Profiling(list(self.asked.values()), max_interests)

    def questions(
        self, subject: ShownSubject, make: Make
    ) -> Generator[Request, Reading[Found], None]:
        """The build's question, with the hint after it."""
        request = make(subject, self.variables(subject))
        hint = self.asked[subject.name].hint
        if hint is not None:
            *before, last = request.messages
            advised = replace(last, content=f"{last.content}\n\nAdvice: {hint.text}")
            request = replace(request, messages=(*before, advised))
        yield request

    def read(self, document: Any, request: Request) -> tuple[Found, tuple[str, ...]]:
        """Interests that rest on the items shown, as of the task that it tries hints for."""
        return Interests(self.max_interests).read(document, request)

    def write(
        self, store: Store, subject: ShownSubject, value: Found, response: StoredResponse
    ) -> None:
        """Hold what was read, to be measured; no interest is stored."""
        self.answers[subject.name] = (value, response)
        set_state(store, subject, "ok")

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Record why the question has no usable answer."""
        set_state(store, subject, "quarantined", reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether an answer was read before."""
        return subject.name in self.answers
