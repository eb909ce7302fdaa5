"""What changes by hand hold: what was, and what is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from sqlalchemy import RowMapping

from store.upkeep import disputes, hint_edits, import_edits
from store.upkeep.disputes import Disputed
from store.upkeep.hint_edits import HintChanged
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
Change: TypeAlias = OneInterest | Imported | Disputed | HintChanged
C = TypeVar("C", bound=Change, covariant=True)


@dataclass(frozen=True)
class Edit(KeyedRow, Generic[C]):
    """A change by hand; times are UTC in ISO 8601, names None where nobody gave one."""

    edit_id: int
    kind: str
    payload: C
    made_at: str
    undone_at: str | None
    made_by: str | None = None
    undone_by: str | None = None


def edit_of(row: RowMapping) -> Edit[Change]:
    """Return a row of ``edits`` as the change that it records."""
    return Edit(**{**row, "payload": _change_of(row["kind"], row["payload"])})


def _change_of(kind: str, payload: str) -> Change:
    said = json.loads(payload)
    if kind == "merge":
        return Merged(**said)
    if kind == "pin":
        return Pinned(**said)
    if kind == import_edits.KIND:
        return Imported(**said)
    if kind == disputes.KIND:
        return Disputed(**said)
    if kind == hint_edits.KIND:
        return hint_edits.read_change(said)
    words = {when: Wording(**said[when]) for when in ("before", "after")}
    return Renamed(**{**said, **words})
