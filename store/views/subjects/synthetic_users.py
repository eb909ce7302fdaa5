"""What the store knows about its synthetic users: members, items, and how well they cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from store.data.dataset import Dataset
from store.db.statements import statement
from store.store import Store
from store.tables.subjects import State, Subject
from store.views.shared.row import Row

META_KEY = "synthetic_users"
"""Fact of the store under which the last choice records how well it covers."""

_MEMBERS = statement(
    "SELECT m.subject_id, m.user_ix, m.similarity FROM memberships m "
    "JOIN subjects s USING (subject_id) WHERE s.kind = 'synthetic' AND s.active "
    "ORDER BY m.subject_id, m.user_ix"
)


@dataclass(frozen=True)
class Member(Row):
    """A member, by user id, and how similar it is to the others (None: unknown)."""

    user: str
    similarity: float | None


@dataclass(frozen=True)
class OwnedItem(Row):
    """An item, by its id, and the members who own it."""

    item: str
    title: str | None
    owned_by: list[str]


@dataclass(frozen=True)
class SyntheticUser(Row):
    """A synthetic user; ``details`` are the figures of the choice that made it."""

    name: str
    state: State
    members: list[Member]
    items: list[OwnedItem]
    details: dict[str, Any]


@dataclass(frozen=True)
class CoveragePoint(Row):
    """What the first so many synthetic users cover; ``weight`` is a share of the objective."""

    synthetic_users: int
    items: int
    users: int
    weight: float


class ChoiceCoverage(TypedDict):
    """What a choice of synthetic users recorded of itself: sizes, cover, and the proved bound.

    Attributes
    ----------
    chosen, candidates
        Synthetic users, and the cliques they were chosen from.
    items, users
        Size of the data set.
    items_covered, users_covered, weight_covered
        Of them by the chosen ones; the weight is the objective.
    upper_bound, gap
        No choice among the candidates covers more weight; how far below it this one may be.
    notes, settings
        Sentences for the reader; what was asked for.
    """

    chosen: int
    candidates: int
    items: int
    users: int
    items_covered: int
    users_covered: int
    weight_covered: float
    upper_bound: float
    gap: float
    notes: list[str]
    settings: Mapping[str, object]


@dataclass(frozen=True)
class SyntheticUsers(Row):
    """All synthetic users in use, in the order chosen.

    ``coverage`` is what the choice recorded; None where others than those chosen are in use.
    """

    coverage: ChoiceCoverage | None
    synthetic_users: list[SyntheticUser]


def list_synthetic_users(store: Store) -> SyntheticUsers:
    """Everything about the active synthetic users, in the order chosen."""
    subjects = store.subjects.load(kinds=("synthetic",))
    subjects.sort(key=lambda s: (s.details.get("rank", len(subjects)), s.subject_id))
    dataset = store.datasets.load() if subjects else None
    members = _members(store)
    facts = store.meta(META_KEY)
    ours = facts and facts["chosen"] == sum("rank" in subject.details for subject in subjects)
    return SyntheticUsers(
        facts if ours else None,
        [
            _described(subject, members.get(subject.subject_id, []), dataset)
            for subject in subjects
            if dataset is not None
        ],
    )


def _members(store: Store) -> dict[int, list[tuple[int, float | None]]]:
    result: dict[int, list[tuple[int, float | None]]] = {}
    with store.read() as connection:
        for subject_id, user_ix, similarity in connection.execute(_MEMBERS):
            result.setdefault(subject_id, []).append((user_ix, similarity))
    return result


def _described(
    subject: Subject, members: Sequence[tuple[int, float | None]], dataset: Dataset
) -> SyntheticUser:
    owned = {user: set(dataset.history(user).tolist()) for user, _ in members}
    return SyntheticUser(
        name=subject.name,
        state=subject.state,
        members=[Member(dataset.user_ids[user], similarity) for user, similarity in members],
        items=[
            OwnedItem(
                dataset.item_ids[item],
                dataset.titles[item],
                [dataset.user_ids[user] for user, _ in members if item in owned[user]],
            )
            for item in subject.items
        ],
        details=subject.details,
    )


def coverage_curve(listed: Sequence[SyntheticUser], points: int = 10) -> list[CoveragePoint]:
    """The curve at some of its points, the last one included: after how many, what is covered."""
    known = [one.details for one in listed if "weight_covered" in one.details]
    if not known:
        return []
    at = np.unique(np.linspace(0, len(known) - 1, min(points, len(known))).round().astype(int))
    return [
        CoveragePoint(
            synthetic_users=int(place) + 1,
            items=known[place]["items_covered"],
            users=known[place]["users_covered"],
            weight=known[place]["weight_covered"],
        )
        for place in at
    ]
