"""Interests of a person (EIMF), and the allocation of a synthetic user's items (LDMI).

The offline stand-in of both is :class:`profiler.offline.extractor.OfflineExtractor`, which a build
makes of its data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from profiler.asking.answers.answer_schema import MAX_INTERESTS, Interest
from profiler.asking.answers.read import read_document
from profiler.asking.subjects import shown_subjects
from profiler.asking.task import Task
from profiler.llm.port import Request
from profiler.shown import ShownSubject

if TYPE_CHECKING:
    from store.store import Store
    from store.tables.ledger import StoredResponse
    from store.tables.subjects import Kind

__all__ = ["Allocation", "Interests"]

Found = tuple[Interest, ...]
TOKENS_PER_INTEREST = 50
TOKENS_PER_ID = 6
ITEMS_PER_INTEREST = 5


class Interests(Task[Found]):
    """What somebody likes, each interest proven by items; an item may show several or none."""

    name = "interests"
    purpose = "interests of an exemplar or a user, each with the items that show it"
    template = "exemplar_interests"
    schema_name = "interests"
    kinds: ClassVar[tuple[Kind, ...]] = ("exemplar", "user")

    def __init__(self, max_interests: int = MAX_INTERESTS) -> None:
        self.max_interests = max_interests

    def limited(self, max_interests: int) -> Interests:
        """The task with this many interests an answer at most."""
        return type(self)(max_interests)

    def subjects(self, store: Store) -> Sequence[ShownSubject]:
        """The active subjects of the task's kinds."""
        return shown_subjects(store, store.subjects.load(kinds=self.kinds))

    def answer_tokens(self, request: Request) -> float:
        """A rule of thumb: an interest for every few items, every item cited once."""
        items = len(request.subject.items)
        interests = min(self.max_interests, max(2, items // ITEMS_PER_INTEREST))
        return interests * TOKENS_PER_INTEREST + items * TOKENS_PER_ID

    def read(self, document: Any, request: Request) -> tuple[Found, tuple[str, ...]]:
        """Interests that rest on the items shown."""
        return read_document(
            document,
            shown=request.subject.items,
            task=self.name,
            max_interests=self.max_interests,
            expected=request.expected,
        )

    def write(
        self, store: Store, subject: ShownSubject, value: Found, response: StoredResponse
    ) -> None:
        """Replace the interests of the subject."""
        store.interests.save(
            subject_number(subject), value, source=response.model, response_id=response.response_id
        )

    def quarantine(self, store: Store, subject: ShownSubject, reason: str) -> None:
        """Remove the interests of the subject and record why it has none."""
        store.interests.remove(subject_number(subject))
        store.subjects.set_state(subject_number(subject), "quarantined", reason)

    def keeps(self, store: Store, subject: ShownSubject) -> bool:
        """Whether the subject has interests."""
        return store.interests.has(subject_number(subject))


class Allocation(Interests):
    """The items of a synthetic user, each in exactly one interest."""

    name = "allocation"
    purpose = "interests of a synthetic user, each item in exactly one"
    template = "allocate_items"
    kinds = ("synthetic",)


INTERESTS = Interests()
ALLOCATION = Allocation()


def subject_number(subject: ShownSubject) -> int:
    """Number of a subject in the store.

    Raises
    ------
    ValueError
        It is no subject of the store.
    """
    if subject.subject_id is None:
        raise ValueError(f"{subject.name} is no subject of the store")
    return subject.subject_id
