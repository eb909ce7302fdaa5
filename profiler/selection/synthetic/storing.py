"""Synthetic users in the store: written once chosen, read for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from profiler.selection.synthetic.result import SyntheticUsers
from store.digests import PREFIX, json_digest
from store.tables.subjects import SubjectRow

if TYPE_CHECKING:
    from store.data.dataset import Dataset
    from store.store import Store
    from store.tables.subjects import Subject

META_KEY = "synthetic_users"


def save_synthetic_users(
    store: Store,
    chosen: SyntheticUsers,
    user_ids: Sequence[str],
    run_id: int,
    rows: Sequence[SubjectRow] | None = None,
) -> None:
    """Make the chosen synthetic users the active ones, and record how well they cover the crowd.

    Parameters
    ----------
    store
        An open store.
    chosen
        From :func:`profiler.synthetic.choose.choose_synthetic_users`, its rows being user_ix.
    user_ids
        Name of each user by user_ix.
    run_id
        The run that chose them.
    rows
        Them as subjects, where some keep items shown before; otherwise from :func:`subject_rows`.
    """
    with store.write():
        rows = subject_rows(chosen, user_ids) if rows is None else rows
        store.subjects.choose("synthetic", rows, run_id)
        store.set_meta(**{META_KEY: coverage(chosen)})


def subject_rows(chosen: SyntheticUsers, user_ids: Sequence[str]) -> list[SubjectRow]:
    """Synthetic users as subjects; the name is the digest of the members' ids."""
    rows = []
    for rank, user in enumerate(chosen.users):
        names = sorted(user_ids[member] for member in user.members)
        rows.append(
            SubjectRow(
                kind="synthetic",
                name="synthetic:" + json_digest(names).removeprefix(PREFIX)[:12],
                user_ix=None,
                items=user.items.tolist(),
                owners=user.owners.tolist(),
                members=user.members.tolist(),
                similarities=user.similarities.tolist(),
                details={
                    "rank": rank,
                    "cohesion": user.cohesion,
                    "gain": user.gain,
                    "cost": user.cost,
                    "items_covered": int(chosen.items_covered[rank]),
                    "users_covered": int(chosen.users_covered[rank]),
                    "weight_covered": float(chosen.weight_covered[rank]),
                },
            )
        )
    return rows


def coverage(chosen: SyntheticUsers) -> dict[str, Any]:
    """What holds for the choice as a whole, as JSON."""
    value = float(chosen.weight_covered[-1]) if chosen.users else 0.0
    return {
        "chosen": len(chosen.users),
        "candidates": chosen.candidates,
        "items": chosen.n_items,
        "users": chosen.n_users,
        "items_covered": int(chosen.items_covered[-1]) if chosen.users else 0,
        "users_covered": int(chosen.users_covered[-1]) if chosen.users else 0,
        "weight_covered": value,
        "upper_bound": chosen.upper_bound,
        "gap": chosen.gap,
        "notes": list(chosen.notes),
        "settings": chosen.settings,
    }


def list_synthetic_users(store: Store) -> dict[str, Any]:
    """Everything about the active synthetic users, in the order chosen, as JSON.

    Returns
    -------
    dict
        ``coverage`` (see :func:`coverage`; ``None`` where others than those chosen are active) and
        ``synthetic_users``: each with its members, the items it stands for, and which members
        own them.
    """
    subjects = store.subjects.load(kinds=("synthetic",))
    subjects.sort(key=lambda s: (s.details.get("rank", len(subjects)), s.subject_id))
    dataset = store.datasets.load() if subjects else None
    members = _members(store)
    facts = store.meta(META_KEY)
    ours = facts and facts["chosen"] == sum("rank" in subject.details for subject in subjects)
    return {
        "coverage": facts if ours else None,
        "synthetic_users": [
            _described(subject, members.get(subject.subject_id, []), dataset)
            for subject in subjects
            if dataset is not None
        ],
    }


def _members(store: Store) -> dict[int, list[tuple[int, float | None]]]:
    with store.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT m.subject_id, m.user_ix, m.similarity FROM memberships m "
            "JOIN subjects s USING (subject_id) WHERE s.kind = 'synthetic' AND s.active "
            "ORDER BY m.subject_id, m.user_ix"
        ).all()
    result: dict[int, list[tuple[int, float | None]]] = {}
    for subject_id, user_ix, similarity in rows:
        result.setdefault(subject_id, []).append((user_ix, similarity))
    return result


def _described(
    subject: Subject, members: Sequence[tuple[int, float | None]], dataset: Dataset
) -> dict[str, Any]:
    owned = {user: set(dataset.history(user).tolist()) for user, _ in members}
    return {
        "name": subject.name,
        "state": subject.state,
        "members": [
            {"user": dataset.user_ids[user], "similarity": similarity}
            for user, similarity in members
        ],
        "items": [
            {
                "item": dataset.item_ids[item],
                "title": dataset.titles[item],
                "owned_by": [dataset.user_ids[user] for user, _ in members if item in owned[user]],
            }
            for item in subject.items
        ],
        "details": subject.details,
    }


def coverage_curve(listed: Sequence[dict[str, Any]], points: int = 10) -> list[dict[str, Any]]:
    """The curve at some of its points, the last one included: after how many, what is covered."""
    known = [one["details"] for one in listed if "weight_covered" in one["details"]]
    if not known:
        return []
    at = np.unique(np.linspace(0, len(known) - 1, min(points, len(known))).round().astype(int))
    return [
        {
            "synthetic_users": int(place) + 1,
            "items": known[place]["items_covered"],
            "users": known[place]["users_covered"],
            "weight": known[place]["weight_covered"],
        }
        for place in at
    ]
