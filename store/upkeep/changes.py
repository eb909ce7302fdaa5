"""What changes by hand hold: what was, and what is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from store.upkeep.disputes import Disputed
from store.upkeep.import_edits import Imported
from store.views.shared.row import KeyedRow


@dataclass(frozen=True)
class Merged(KeyedRow):
    """An interest was put under another; ``before`` and ``followers`` are what stood there."""

    interest: int
    into: int
    before: int | None
    followers: list[int]


@dataclass(frozen=True)
class Wording(KeyedRow):
    """A label, and the address of the text that it makes with the description."""

    label: str
    text_digest: str


@dataclass(frozen=True)
class Renamed(KeyedRow):
    """An interest got another label; ``vector_digest`` is where its vector lay."""

    interest: int
    before: Wording
    after: Wording
    vector_digest: str


@dataclass(frozen=True)
class Pinned(KeyedRow):
    """An interest was pinned; ``before`` is what it stood under."""

    interest: int
    before: int | None


OneInterest: TypeAlias = Merged | Renamed | Pinned
Change: TypeAlias = OneInterest | Imported | Disputed
C = TypeVar("C", bound=Change, covariant=True)


@dataclass(frozen=True)
class Edit(KeyedRow, Generic[C]):
    """A change by hand; times are UTC in ISO 8601."""

    edit_id: int
    kind: str
    payload: C
    made_at: str
    undone_at: str | None
