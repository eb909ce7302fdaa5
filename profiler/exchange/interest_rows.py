"""One line of an interests file: its form, and the items that its words mean."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from profiler.asking.answers.answer_schema import MAX_LABEL, one_line
from profiler.asking.answers.grounding import normal_label
from profiler.asking.answers.sensitive import private_attribute
from profiler.exchange.batch_files import numbered_lines
from profiler.exchange.titles import TitleIndex
from store.data.readers.values.entities import unescape

MAX_DESCRIPTION = 2000


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_as_text)]


class GivenInterest(BaseModel):
    """An interest as it stands in the file; evidence is ids or titles, none where it is missing."""

    model_config = ConfigDict(extra="forbid")

    label: str
    description: str = ""
    evidence: list[Id] = Field(default_factory=list)


class GivenRow(BaseModel):
    """A line: one user, or the members of a synthetic user, with interests."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id | None = None
    members: list[Id] | None = None
    shown_items: list[Id] | None = None
    interests: Annotated[list[GivenInterest], Field(min_length=1)]


@dataclass(frozen=True)
class GroundedInterest:
    """An interest whose evidence is item ids of the subject."""

    label: str
    description: str
    evidence: Sequence[str]


@dataclass
class Counts:
    """What became of everything in a file.

    Attributes
    ----------
    rows, interests, evidence, shown
        As given.
    words_only
        Interests taken without evidence.
    by
        Evidence kept, by the way it was found: ``id``, ``title``, ``normalised``.
    dropped_evidence, dropped_interests, dropped_rows, dropped_shown
        What was left out, by reason.
    notes
        A line on each row, and on each interest that was left out, with its place.
    """

    rows: int = 0
    interests: int = 0
    evidence: int = 0
    shown: int = 0
    words_only: int = 0
    by: Counter[str] = field(default_factory=Counter)
    dropped_evidence: Counter[str] = field(default_factory=Counter)
    dropped_interests: Counter[str] = field(default_factory=Counter)
    dropped_rows: Counter[str] = field(default_factory=Counter)
    dropped_shown: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    @property
    def kept(self) -> int:
        """Evidence that was kept."""
        return self.by.total()

    @property
    def grounded(self) -> float:
        """Share of the evidence given that was kept, 0 to 1."""
        return self.kept / self.evidence if self.evidence else 0.0

    @property
    def in_histories(self) -> float:
        """Share of the items named, as evidence or as shown, that their users had, 0 to 1.

        Items that the split hides are the user's own and count.
        """
        outside = (
            sum(self.dropped_evidence[why] for why in ("not shown", "unknown")),
            sum(self.dropped_shown[why] for why in ("not in the history", "unknown")),
        )
        shares = [
            1 - away / given
            for away, given in zip(outside, (self.evidence, self.shown), strict=True)
            if given
        ]
        return min(shares, default=1.0)


def read_rows(file: Path, counts: Counts) -> Iterator[tuple[int, GivenRow]]:
    """Lines of a JSONL file, plain or gzip, with their numbers; unreadable ones are counted.

    Raises
    ------
    DataError
        The file does not exist or is not text.
    """
    for number, line in numbered_lines(file):
        counts.rows += 1
        try:
            row = GivenRow.model_validate(json.loads(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            drop_row(counts, number, "unreadable", f"{place}: {first['msg']}")
            continue
        except (ValueError, RecursionError) as error:
            drop_row(counts, number, "unreadable", f"not JSON: {error}")
            continue
        if (row.user_id is None) == (row.members is None):
            drop_row(counts, number, "unreadable", "needs user_id, or members, and not both")
            continue
        yield number, row


def drop_row(counts: Counts, number: int, reason: str, note: str) -> None:
    """Count a row that is left out, and say why."""
    counts.dropped_rows[reason] += 1
    counts.notes.append(f"line {number}: {note}")


@dataclass(frozen=True)
class Scope:
    """What a row's words may mean.

    Attributes
    ----------
    seen
        Items the subject stands for: evidence must be among them.
    hidden
        Items of the history that the split hides.
    shop
        All items.
    words_only
        Whether an interest that the file gives without evidence is taken.
    """

    seen: TitleIndex
    hidden: TitleIndex
    shop: TitleIndex
    words_only: bool = False


def ground_interests(
    row: GivenRow, scope: Scope, item_ids: Sequence[str], number: int, most: int, counts: Counts
) -> list[GroundedInterest]:
    """Interests of a row with evidence among what was seen; the rest is dropped and counted."""
    kept: list[GroundedInterest] = []
    labels: set[str] = set()
    for given in row.interests:
        counts.interests += 1
        evidence = _ground_evidence(given, scope, item_ids, counts)
        unproven = scope.words_only and not given.evidence
        reason = _unfit(given, labels, len(kept) >= most, proven=bool(evidence) or unproven)
        if reason is not None:
            counts.dropped_interests[reason] += 1
            counts.notes.append(f"line {number}: interest {given.label[:60]!r} left out: {reason}")
            continue
        counts.words_only += not evidence
        labels.add(normal_label(unescape(given.label)))
        label, description = (
            " ".join(unescape(text).split()) for text in (given.label, given.description)
        )
        kept.append(GroundedInterest(label, description, evidence))
    return kept


def _ground_evidence(
    given: GivenInterest, scope: Scope, item_ids: Sequence[str], counts: Counts
) -> list[str]:
    """Ids of the items meant, each once."""
    evidence: dict[str, None] = {}
    for written in given.evidence:
        counts.evidence += 1
        found, way = scope.seen.find(written)
        if len(found) == 1 and way is not None:
            item_id = item_ids[found[0]]
            if item_id in evidence:
                counts.dropped_evidence["repeated"] += 1
            else:
                counts.by[way] += 1
            evidence[item_id] = None
        else:
            counts.dropped_evidence[_why_not(written, found, scope)] += 1
    return list(evidence)


def _why_not(written: str, found: Sequence[int], scope: Scope) -> str:
    if found:
        return "ambiguous"
    if scope.hidden.find(written)[0]:
        return "unseen"
    return "not shown" if scope.shop.find(written)[0] else "unknown"


def _unfit(given: GivenInterest, labels: set[str], full: bool, *, proven: bool) -> str | None:
    """Why an interest cannot be stored."""
    try:
        label = one_line(given.label)
        if given.description.strip():
            one_line(given.description)
    except ValueError:
        return "unreadable text"
    if len(label) > MAX_LABEL or len(given.description) > MAX_DESCRIPTION:
        return "too long"
    if private_attribute(label) or private_attribute(given.description):
        return "private attribute"
    if normal_label(label) in labels:
        return "label used before"
    if not proven:
        return "no evidence left"
    return "too many" if full else None
