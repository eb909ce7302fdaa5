"""Subjects as prompts show them: with the ids and texts of their items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from profiler.shown import ShownItem, ShownSubject
from store.errors import StoreError
from store.store import Store
from store.tables.subjects import Subject


def shown_subjects(store: Store, subjects: Sequence[Subject]) -> list[ShownSubject]:
    """Return subjects with their items' ids, titles and categories, in the same order."""
    items = shown_items(store, (item_ix for subject in subjects for item_ix in subject.items))
    return [
        ShownSubject(
            subject_id=subject.subject_id,
            kind=subject.kind,
            name=subject.name,
            items=tuple(items[item_ix] for item_ix in subject.items),
        )
        for subject in subjects
    ]


def shown_user(store: Store, user: str) -> ShownSubject:
    """Return a user with the items of its training interactions: what the split lets a model see.

    Raises
    ------
    StoreError
        The store has no such user.
    """
    history = store.datasets.training_items(user)
    if history is None:
        raise StoreError(f"{store.path} has no user {user!r}")
    wanted = list(dict.fromkeys(history))  # an item bought twice is shown once
    items = shown_items(store, wanted)
    return ShownSubject(None, "user", f"user:{user}", tuple(items[ix] for ix in wanted))


def shown_items(store: Store, wanted: Iterable[int]) -> dict[int, ShownItem]:
    """Return items as a prompt may show them, by ``item_ix``."""
    return {row.item_ix: ShownItem(*row) for row in store.datasets.item_texts(wanted)}
