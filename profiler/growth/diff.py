"""Two stores compared for people: which interests came, went, grew or shrank, and who moved.

Interests are the same where their labels are, in whatever case: two stores number them differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from store.views.interests.catalogue import list_interests
from store.views.status import summarise
from store.views.subjects.homes import Crowd, read_crowd

if TYPE_CHECKING:
    from store.store import Store


@dataclass(frozen=True)
class InterestChange:
    """An interest in two stores.

    Attributes
    ----------
    label
        As the newer store has it, else the older.
    users_before, users
        Users it reached and reaches; 0 where a store lacks it.
    evidence_before, evidence
        Items that proved it and prove it.
    """

    label: str
    users_before: int
    users: int
    evidence_before: int
    evidence: int

    @property
    def growth(self) -> tuple[int, int]:
        """By how many users it grew, then by how many items of evidence."""
        return self.users - self.users_before, self.evidence - self.evidence_before


@dataclass(frozen=True)
class Replaced:
    """An exemplar that is none any more, and who stands for most of its users now.

    Attributes
    ----------
    exemplar, by
        User ids; ``by`` is None where none of its users has an exemplar now.
    users, moved
        Users it stood for, and those of them for whom ``by`` stands.
    """

    exemplar: str
    by: str | None
    users: int
    moved: int


@dataclass(frozen=True)
class UserMove:
    """A user for whom another exemplar stands."""

    user: str
    before: str
    after: str


@dataclass(frozen=True)
class StoreDiff:
    """What changed from one store to another.

    Attributes
    ----------
    users, items, interactions
        How many there were and are.
    new_users, gone_users
        Users by their ids.
    new, gone
        Interests that only the newer, only the older store has; the farthest reaching first.
    grown, shrunk
        Interests that reach more or fewer users, or as many by more or less evidence; the largest
        change first.
    unchanged
        Interests of which neither changed.
    replaced, new_exemplars
        Exemplars that are none any more, and user ids of those who are since.
    moved, compared
        Users for whom another exemplar stands, and users in both stores who have one.
    """

    users: tuple[int, int]
    items: tuple[int, int]
    interactions: tuple[int, int]
    new_users: int
    gone_users: int
    new: list[InterestChange]
    gone: list[InterestChange]
    grown: list[InterestChange]
    shrunk: list[InterestChange]
    unchanged: int
    replaced: list[Replaced]
    new_exemplars: list[str]
    moved: list[UserMove]
    compared: int


def diff_stores(old: Store, new: Store, *, least: int = 1) -> StoreDiff:
    """Compare two stores, or a store with a backup of before.

    Parameters
    ----------
    old, new
        Open stores; they are only read.
    least
        Interests that reach fewer users than this in both stores are left out.
    """
    before, after = read_crowd(old), read_crowd(new)
    had, has = _interests(old), _interests(new)
    changes = {key: _change(had.get(key), has.get(key)) for key in had | has}
    told = {key: one for key, one in changes.items() if max(one.users, one.users_before) >= least}
    both = [one for key, one in told.items() if key in had and key in has]
    homes = before.homes.items()
    moved = [
        UserMove(user, home, after.homes[user])
        for user, home in sorted(homes)
        if after.homes.get(user, home) != home
    ]
    return StoreDiff(
        users=(len(before.users), len(after.users)),
        items=(len(before.items), len(after.items)),
        interactions=(_interactions(old), _interactions(new)),
        new_users=len(after.users - before.users),
        gone_users=len(before.users - after.users),
        new=_largest(one for key, one in told.items() if key not in had),
        gone=_largest(one for key, one in told.items() if key not in has),
        grown=_largest(one for one in both if one.growth > (0, 0)),
        shrunk=_largest(one for one in both if one.growth < (0, 0)),
        unchanged=sum(one.growth == (0, 0) for one in both),
        replaced=_replaced(before, after),
        new_exemplars=sorted(set(after.homes.values()) - set(before.homes.values())),
        moved=moved,
        compared=len(before.homes.keys() & after.homes.keys()),
    )


def changed_names(changes: Iterable[InterestChange], most: int = 5) -> str:
    """The first interests of a list with their users before and after, as a line."""
    shown = list(changes)
    named = [f"{one.label} ({one.users_before:,} → {one.users:,})" for one in shown[:most]]
    return ", ".join(named) + (f" and {len(shown) - most:,} more" if len(shown) > most else "")


@dataclass(frozen=True)
class _Known:
    label: str
    users: int
    evidence: int


def _interests(store: Store) -> dict[str, _Known]:
    """Interests in use by their labels without case; those of one label count together."""
    found: dict[str, _Known] = {}
    for one in list_interests(store):
        key = " ".join(one.label.casefold().split())
        also = found.get(key, _Known(one.label, 0, 0))
        found[key] = _Known(also.label, also.users + one.users, also.evidence + one.evidence)
    return found


def _change(before: _Known | None, after: _Known | None) -> InterestChange:
    named = after or before or _Known("", 0, 0)
    return InterestChange(
        label=named.label,
        users_before=before.users if before else 0,
        users=after.users if after else 0,
        evidence_before=before.evidence if before else 0,
        evidence=after.evidence if after else 0,
    )


def _largest(changes: Iterable[InterestChange]) -> list[InterestChange]:
    """The largest change first; of equal ones by label."""
    return sorted(changes, key=lambda one: (*(-abs(part) for part in one.growth), one.label))


def _replaced(before: Crowd, after: Crowd) -> list[Replaced]:
    """Exemplars of before that stand for nobody now, with the most of their users first."""
    left = set(before.homes.values()) - set(after.homes.values())
    found = []
    for exemplar in left:
        mine = [user for user, home in before.homes.items() if home == exemplar]
        now = Counter(after.homes[user] for user in mine if user in after.homes)
        by, moved = min(now.items(), key=lambda one: (-one[1], one[0]), default=(None, 0))
        found.append(Replaced(exemplar, by, len(mine), moved))
    return sorted(found, key=lambda one: (-one.users, one.exemplar))


def _interactions(store: Store) -> int:
    return int(summarise(store).data.get("interactions") or 0)
