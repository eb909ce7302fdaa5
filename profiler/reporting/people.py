"""A sample of users with their interests and, for one item each, an explanation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from store.views.explanation import explain_item
from store.views.users import show_user

if TYPE_CHECKING:
    from store.store import Store

USERS = 24

_CROWD = (
    "SELECT u.user_id, coalesce(s.name, ''), coalesce(s.size, 0) FROM users u "
    "LEFT JOIN memberships m ON m.user_ix = u.user_ix AND m.subject_id IN "
    "(SELECT subject_id FROM subjects WHERE active AND kind = 'exemplar') "
    "LEFT JOIN subjects s ON s.subject_id = m.subject_id WHERE NOT u.forgotten"
)
_TARGET = text(
    "SELECT i.item_id, x.part FROM interactions x JOIN users u USING (user_ix) "
    "JOIN items i USING (item_ix) WHERE u.user_id = :user ORDER BY x.position DESC LIMIT 1"
)


def sample_users(store: Store, seed: int = 0, most: int = USERS) -> list[str]:
    """Choose users by chance, in turn from each exemplar's cluster, the largest first.

    Chance is a digest of seed and user id, so neither the order of rows nor other users decide.
    """
    with store.read() as connection:
        rows = connection.exec_driver_sql(_CROWD).all()
    clusters: dict[tuple[int, str], list[str]] = {}
    for user_id, name, size in rows:
        clusters.setdefault((-int(size), name), []).append(user_id)
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
    with store.read() as connection:
        target = connection.execute(_TARGET, {"user": user}).first()
    document["explained"] = explain_item(store, user, target[0]) if target else None
    document["hidden"] = bool(target and target[1] > 0)
    return document


def _chance(seed: int, user: str) -> bytes:
    return hashlib.blake2b(f"{seed} {user}".encode(), digest_size=8).digest()
