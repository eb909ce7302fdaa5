"""Leakage is an error: what the LLM was shown and what training reads lie outside every target.

The LLM may see a user's TRAIN interactions only. The check is exact: for each subject, every item
its prompts showed must be a TRAIN item of the user (of one of the members, for a synthetic user).
An item is only a leak where the user has it in a hidden part; anything else would be an ungrounded
prompt, which ``profiler verify`` reports.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from store.errors import LeakageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.data.dataset import Dataset
    from store.store import Store

Shown = tuple[str, list[int], list[int]]
"""Name of a subject, its users (user_ix), the items its prompts showed (item_ix)."""


def shown_to_llm(store: Store) -> list[Shown]:
    """What each subject's prompts showed, from the stored responses and subject items."""
    with store.read() as connection:
        subjects = connection.exec_driver_sql(
            "SELECT subject_id, name, kind, user_ix FROM subjects ORDER BY subject_id"
        ).all()
        members = connection.exec_driver_sql(
            "SELECT m.subject_id, m.user_ix FROM memberships m JOIN subjects s USING (subject_id) "
            "WHERE s.kind = 'synthetic' ORDER BY m.subject_id, m.user_ix"
        ).all()
        answers = connection.exec_driver_sql(
            "SELECT subject_id, shown FROM responses WHERE subject_id IS NOT NULL"
        ).all()
        evidence = connection.exec_driver_sql(
            "SELECT n.subject_id, e.item_ix FROM evidence e JOIN interests n USING (interest_id)"
        ).all()
    owners: dict[int, list[int]] = {}
    for subject_id, user_ix in members:
        owners.setdefault(subject_id, []).append(user_ix)
    items: dict[int, set[int]] = {}
    for subject_id, shown in answers:
        items.setdefault(subject_id, set()).update(json.loads(shown))
    for subject_id, item_ix in evidence:
        items.setdefault(subject_id, set()).add(item_ix)
    return [
        (name, owners.get(number, []) if user_ix is None else [user_ix], sorted(items[number]))
        for number, name, _, user_ix in subjects
        if number in items
    ]


def check_shown(dataset: Dataset, shown: Iterable[Shown]) -> int:
    """Check that no prompt showed an item which the split hides for all of the subject's users.

    Returns
    -------
    int
        Number of (subject, item) pairs checked.

    Raises
    ------
    LeakageError
        Naming the subject, the item and the part it belongs to.
    """
    checked = 0
    for name, users, items in shown:
        visible: set[int] = set()
        hidden: dict[int, str] = {}
        for user in users:
            rows = slice(int(dataset.indptr[user]), int(dataset.indptr[user + 1]))
            for item, part in zip(dataset.items[rows], dataset.parts[rows], strict=True):
                if part == 0:
                    visible.add(int(item))
                else:
                    hidden[int(item)] = ("input", "validation target", "test target")[part - 1]
        for item in items:
            checked += 1
            if item not in visible and item in hidden:
                raise LeakageError(
                    f"the LLM was shown item {dataset.item_ids[item]!r} of {name!r}, but the split "
                    f"{dataset.split} makes it a {hidden[item]}; measured quality would be false: "
                    "build into a new store with this split"
                )
    return checked


def check_training(dataset: Dataset, indptr: NDArray[np.int64], items: NDArray[np.integer]) -> int:
    """Check that training sequences (CSR by user_ix, of item_ix) are TRAIN interactions only.

    Compared as multisets of (user, item), so that an item bought again after the cut does not hide
    a leak and an honest repeat is none.

    Raises
    ------
    LeakageError
        Naming the first user and item that training should not have.
    """
    allowed_indptr, allowed = dataset.visible()
    keys = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)) * dataset.n_items + items
    owners = np.repeat(np.arange(dataset.n_users), np.diff(allowed_indptr))
    allowed_keys, quota = np.unique(owners * dataset.n_items + allowed, return_counts=True)
    found, times = np.unique(keys, return_counts=True)
    place = np.searchsorted(allowed_keys, found).clip(max=max(len(allowed_keys) - 1, 0))
    known = allowed_keys[place] == found if len(allowed_keys) else np.zeros(len(found), dtype=bool)
    excess = np.flatnonzero(~known | (times > np.where(known, quota[place], 0)))
    if len(excess):
        user, item = divmod(int(found[excess[0]]), dataset.n_items)
        raise LeakageError(
            f"training reads item {dataset.item_ids[item]!r} of user {dataset.user_ids[user]!r}, "
            f"which the split {dataset.split} holds back"
        )
    return len(keys)
