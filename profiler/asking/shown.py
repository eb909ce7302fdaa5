"""Subjects of the store as prompts show them: with the ids and texts of their items."""

from __future__ import annotations

import json
from collections.abc import Sequence

from profiler.llm.port import ShownItem, ShownSubject
from store.store import Store
from store.tables.subjects import Subject


def shown_subjects(store: Store, subjects: Sequence[Subject]) -> list[ShownSubject]:
    """Return the subjects with their items' ids, titles and categories, in the same order."""
    wanted = sorted({item_ix for subject in subjects for item_ix in subject.items})
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT item_ix, item_id, title, categories FROM items "
            "WHERE item_ix IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        ).all()
    items = {
        row.item_ix: ShownItem(
            row.item_ix, row.item_id, row.title, tuple(json.loads(row.categories))
        )
        for row in rows
    }
    return [
        ShownSubject(
            subject_id=subject.subject_id,
            kind=subject.kind,
            name=subject.name,
            items=tuple(items[item_ix] for item_ix in subject.items),
        )
        for subject in subjects
    ]
