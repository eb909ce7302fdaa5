"""A sample of users with their interests and, for one item each, an explanation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from store.data.splits import Part
from store.views.explanation import explain_item
from store.views.users import exemplar_of_users, latest_item, show_user

if TYPE_CHECKING:
    from store.store import Store

USERS = 24


def sample_users(store: Store, seed: int = 0, most: int = USERS) -> list[str]:
    """Choose users by chance, in turn from each exemplar's cluster, the largest first.

    Chance is a digest of seed and user id, so neither the order of rows nor other users decide.
    """
    clusters: dict[tuple[int, str], list[str]] = {}
    for user_id, name, size in exemplar_of_users(store):
        clusters.setdefault((-size, name), []).append(user_id)
    queues = [
        sorted(clusters[key], key=lambda user: _chance(seed, user)) for key in sorted(clusters)
    ]
    chosen: list[str] = []
    turn = 0
    while len(chosen) < most and any(turn < len(queue) for queue in queues):
        chosen += [queue[turn] for queue in queues if turn < len(queue)]
        turn += 1
    return chosen[:most]


def describe_users(store: Store, users: list[str]) -> list[dict[str, Any]]:
    """For each user what ``show`` knows and how its latest item is explained.

    Returns
    -------
    list of dict
        The document of :func:`store.reading.show_user` with ``explained`` (of
        :func:`store.explaining.explain_item`; None without interactions) and ``hidden``, whether
        the language model never saw that item.
    """
    return [_described(store, user) for user in users]


def _described(store: Store, user: str) -> dict[str, Any]:
    document = show_user(store, user)
    target = latest_item(store, user)
    document["explained"] = explain_item(store, user, target.item_id) if target else None
    document["hidden"] = bool(target and target.part != Part.TRAIN)
    return document


def _chance(seed: int, user: str) -> bytes:
    return hashlib.blake2b(f"{seed} {user}".encode(), digest_size=8).digest()
