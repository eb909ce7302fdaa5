"""What the LLM was shown, and whether the split hides it: the one leak check of the project.

The LLM may see a user's TRAIN interactions only. The check is exact: every item that a subject's
prompts showed or its interests cite must be a TRAIN item of the user (of one of the members, for
a synthetic user). It runs where leaks would begin and where they would count: when data, a split
or a synthetic user is written (:func:`refuse_leak`, on what interests cite), and before a model is
trained (:func:`check_shown`, on everything shown).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from store.data.dataset import Dataset
from store.data.splits import Part
from store.db.statements import statement
from store.db.transactions import Transactions
from store.errors import LeakageError
from store.tables.histories.door import Histories

History = Callable[[int], Iterable[tuple[int, int]]]
"""(item_ix, part) of each interaction of a user."""

PART_NAMES = {
    Part.INPUT: "input",
    Part.VALID: "validation target",
    Part.TEST: "test target",
}

_SUBJECTS = statement(
    "SELECT subject_id, name, user_ix, active FROM subjects "
    "WHERE kind = coalesce(:kind, kind) ORDER BY subject_id"
)
_MEMBERS = statement(
    "SELECT m.subject_id, m.user_ix FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.kind = 'synthetic' ORDER BY m.subject_id, m.user_ix"
)
_SHOWN = statement("SELECT subject_id, shown FROM responses WHERE subject_id IS NOT NULL")
_CITED = statement(
    "SELECT DISTINCT n.subject_id, e.item_ix FROM evidence e JOIN interests n USING (interest_id)"
)
# Whose items the descriptions in use were written from, and whose users those of items.
_DESCRIBED = statement(
    "SELECT u.user_ix, 'user:' || u.user_id AS name, "
    "coalesce(t.item_ix, q.item_ix, p.item_ix) AS item_ix FROM descriptions d "
    "JOIN task_subjects t USING (task_subject_id) "
    "JOIN task_subject_parents q USING (task_subject_id) "
    "LEFT JOIN task_subjects p ON p.task_subject_id = q.parent_id "
    "JOIN users u ON u.user_ix = coalesce(t.user_ix, q.user_ix, p.user_ix) WHERE q.place > 0"
)
_ITEM_ID = statement("SELECT item_id FROM items WHERE item_ix = :item")


class Shown(NamedTuple):
    """A subject's name, its users (user_ix), and items that the LLM saw of it (item_ix)."""

    subject: str
    users: Sequence[int]
    items: Sequence[int]


def shown_to_llm(store: Transactions) -> list[Shown]:
    """What each subject's prompts showed, from the stored responses and the interests' evidence.

    Beside them stand the users and items whose descriptions by layer were written from each other.
    """
    with store.read() as connection:
        items = _cited(connection)
        for subject_id, shown in connection.execute(_SHOWN):
            items.setdefault(subject_id, set()).update(json.loads(shown))
        shown_of = [one for _, one in _subjects(connection, items)]
        return [*shown_of, *_described(connection)]


def check_shown(dataset: Dataset, shown: Iterable[Shown]) -> int:
    """Check that no prompt showed an item which the split hides for all of the subject's users.

    An item that none of these users has is no leak: it would be an ungrounded prompt, which
    ``profiler verify`` reports.

    Returns
    -------
    int
        Number of (subject, item) pairs checked.

    Raises
    ------
    LeakageError
        Naming the subject, the item and the part it belongs to.
    """

    def history(user: int) -> Iterable[tuple[int, int]]:
        rows = slice(int(dataset.indptr[user]), int(dataset.indptr[user + 1]))
        return zip(dataset.items[rows].tolist(), dataset.parts[rows].tolist(), strict=True)

    checked = 0
    for name, users, items in shown:
        checked += len(items)
        for item, part in _not_seen(users, items, history):
            if part is not None:
                raise LeakageError(
                    f"the LLM was shown item {dataset.item_ids[item]!r} of {name!r}, but the split "
                    f"{dataset.split} makes it a {PART_NAMES[part]}; measured quality would be "
                    "false: build into a new store with this split"
                )
    return checked


def refuse_leak(connection: Connection, kind: str | None = None) -> None:
    """Refuse interests inferred from items that are now hidden: they would leak targets.

    A synthetic user no longer in use has no members to prove its evidence by, and its interests
    reach nobody: it is looked at when it is chosen again (``Subjects.choose``). With ``kind``, only
    subjects of that kind are looked at.

    Raises
    ------
    LeakageError
        Naming the item and the subject.
    """
    subjects = list(_subjects(connection, _cited(connection), kind))
    described = _described(connection) if kind is None else []
    if not subjects and not described:
        return
    everyone = [*(one for _, one in subjects), *described]
    looked_at = sorted({user for one in everyone for user in one.users})
    columns = Histories(connection).of_users(looked_at)
    bounds = np.searchsorted(columns.users, np.stack([looked_at, np.add(looked_at, 1)], axis=1))
    places = dict(zip(looked_at, bounds.tolist(), strict=True))

    def history(user: int) -> Iterable[tuple[int, int]]:
        start, stop = places[user]
        items, parts = columns.items[start:stop].tolist(), columns.parts[start:stop].tolist()
        return zip(items, parts, strict=True)

    for in_use, (name, users, items) in subjects:
        if not in_use and not users:
            continue
        for item, _ in _not_seen(users, items, history):
            item_id = connection.execute(_ITEM_ID, {"item": item}).scalar_one()
            raise LeakageError(
                f"item {item_id!r} is evidence of a stored interest of {name!r}, but this data "
                "or split hides it from the LLM; keep the split the store was built with, or build "
                "into a new store"
            )
    for name, users, items in described:
        for item, part in _not_seen(users, items, history):
            if part is not None:
                item_id = connection.execute(_ITEM_ID, {"item": item}).scalar_one()
                raise LeakageError(
                    f"a description rests on item {item_id!r} of {name!r}, but this data or split "
                    "hides it from the LLM; keep the split the store was built with, or build into "
                    "a new store"
                )


def _described(connection: Connection) -> list[Shown]:
    """Users with the items that descriptions take them to have."""
    names: dict[int, str] = {}
    items: dict[int, set[int]] = {}
    for user_ix, name, item_ix in connection.execute(_DESCRIBED):
        names[user_ix] = name
        items.setdefault(user_ix, set()).add(item_ix)
    return [Shown(names[user], [user], sorted(found)) for user, found in items.items()]


def _not_seen(
    users: Sequence[int], items: Sequence[int], history: History
) -> Iterator[tuple[int, Part | None]]:
    """Items that are TRAIN items of none of the users, and a hidden part where one has them."""
    parts: dict[int, int] = {}
    for user in users:
        for item, part in history(user):
            before = parts.get(item, part)
            visible = Part.TRAIN in (part, before)
            parts[item] = Part.TRAIN if visible else part
    for item in items:
        found = parts.get(item)
        if found != Part.TRAIN:
            yield item, None if found is None else Part(found)


def _cited(connection: Connection) -> dict[int, set[int]]:
    items: dict[int, set[int]] = {}
    for subject_id, item_ix in connection.execute(_CITED):
        items.setdefault(subject_id, set()).add(item_ix)
    return items


def _subjects(
    connection: Connection, items: dict[int, set[int]], kind: str | None = None
) -> Iterator[tuple[bool, Shown]]:
    """Whether a subject is in use, and what the LLM saw of it, for each that has items."""
    members: dict[int, list[int]] = {}
    for subject_id, user_ix in connection.execute(_MEMBERS):
        members.setdefault(subject_id, []).append(user_ix)
    for number, name, user_ix, active in connection.execute(_SUBJECTS, {"kind": kind}):
        if number in items:
            users = members.get(number, []) if user_ix is None else [user_ix]
            yield bool(active), Shown(name, users, sorted(items[number]))
