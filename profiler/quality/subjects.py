"""Subjects with their interests, as item ids and as rows of the catalogue of interests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from profiler.quality import measures
from store.errors import StoreError
from store.store import Store


@dataclass(frozen=True)
class SubjectInterests:
    """The interests of one subject as item ids, with its row numbers in the catalogue."""

    name: str
    items: tuple[str, ...]
    evidence: list[set[str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def groups(self, items: Sequence[str] | None = None) -> measures.Membership:
        """Membership matrix of the evidence over ``items``, by default the items shown."""
        return measures.membership(self.evidence, items or list(dict.fromkeys(self.items)))


def subjects_with_interests(store: Store) -> list[SubjectInterests]:
    """Active subjects that have interests, with shown items and evidence as item ids.

    Raises
    ------
    StoreError
        If the store has no interests.
    """
    catalogue = store.interests.catalogue()
    if not len(catalogue.ids):
        raise StoreError(f"{store.path} holds no interests; run profiler build first")
    ids = store.datasets.load().item_ids
    found = {
        subject.subject_id: SubjectInterests(
            subject.name, tuple(ids[item] for item in subject.items)
        )
        for subject in store.subjects.load(states=("ok",))
    }
    for row, subject_id in enumerate(catalogue.subject_ids.tolist()):
        subject = found.get(subject_id)
        if subject is not None:
            start, stop = catalogue.indptr[row : row + 2].tolist()
            subject.evidence.append({ids[item] for item in catalogue.items[start:stop].tolist()})
            subject.rows.append(row)
    return [subject for subject in found.values() if subject.rows]
