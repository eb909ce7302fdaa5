"""Which users a page shows: drawn by chance, in turn from each representative's group."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from store.views.atlas import represented

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store

PEOPLE = 48
EASY_TO_READ = (8, 90)
"""Known events of a history that one takes in at a glance; others come after these."""


def sample_users(store: Store, dataset: Dataset, seed: int = 0, most: int = PEOPLE) -> list[int]:
    """Choose users by chance, in turn from each representative's group, the largest first.

    Chance is a digest of seed and user id, so neither the order of rows nor other users decide.
    Users without a known event are never chosen.

    Returns
    -------
    list of int
        user_ix, at most ``most``.
    """
    if most < 1:
        return []
    known = np.diff(dataset.visible()[0])
    groups = np.full(dataset.n_users, -1, dtype=np.int64)
    users, subjects, _ = represented(store)
    groups[users] = subjects
    there = np.flatnonzero(known > 0)
    queues: dict[int, list[int]] = {}
    for user in there.tolist():
        queues.setdefault(int(groups[user]), []).append(user)
    for own in queues.values():
        own.sort(key=lambda user: (not _readable(int(known[user])), _chance(dataset, seed, user)))
    turns = sorted(queues.items(), key=lambda one: (one[0] < 0, -len(one[1]), one[0]))
    chosen: list[int] = []
    turn = 0
    while len(chosen) < most and any(turn < len(own) for _, own in turns):
        chosen += [own[turn] for _, own in turns if turn < len(own)]
        turn += 1
    return chosen[:most]


def _readable(events: int) -> bool:
    return EASY_TO_READ[0] <= events <= EASY_TO_READ[1]


def _chance(dataset: Dataset, seed: int, user: int) -> bytes:
    content = f"{seed} {dataset.user_ids[user]}".encode()
    return hashlib.blake2b(content, digest_size=8).digest()
