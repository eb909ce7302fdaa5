"""Coverage curves: how much of the crowd the exemplars and synthetic users stand for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from profiler.reporting.figures import Chart, Series, share_chart

if TYPE_CHECKING:
    from store.store import Store

LEVELS = (0.5, 0.7, 0.8, 0.9)
"""Similarities at which users count as covered in the cumulative chart (our choice)."""

_MEMBERS = (
    "SELECT s.subject_id, m.similarity FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.active AND s.kind = 'exemplar' ORDER BY s.size DESC, s.subject_id"
)
_ORDER = (
    "SELECT subject_id FROM subjects WHERE active AND kind = 'synthetic' "
    "ORDER BY json_extract(details, '$.rank'), subject_id"
)
_UNION_USERS = (
    "SELECT m.subject_id, m.user_ix FROM memberships m JOIN subjects s USING (subject_id) "
    "WHERE s.active AND s.kind = 'synthetic'"
)
_UNION_ITEMS = (
    "SELECT i.subject_id, i.item_ix FROM subject_items i JOIN subjects s USING (subject_id) "
    "WHERE s.active AND s.kind = 'synthetic'"
)
_SYNTHETIC = (
    "SELECT details FROM subjects WHERE active AND kind = 'synthetic' "
    "ORDER BY json_extract(details, '$.rank'), subject_id"
)


def coverage_charts(store: Store) -> list[Chart]:
    """Return the curves the store has figures for; none where nobody was chosen."""
    with store.read() as connection:
        users = connection.exec_driver_sql(
            "SELECT count(*) FROM users WHERE NOT forgotten"
        ).scalar_one()
        members = connection.exec_driver_sql(_MEMBERS).all()
        found = connection.exec_driver_sql(_SYNTHETIC).scalars()
        synthetic = [json.loads(details) for details in found]
    known = [(int(row[0]), float(row[1])) for row in members if row[1] is not None]
    charts = _exemplars(known, users) if known and users else []
    return charts + _synthetic(store, synthetic, users)


def _exemplars(members: list[tuple[int, float]], users: int) -> list[Chart]:
    similarity = np.array([row[1] for row in members])
    heights = np.round(np.linspace(0, 1, 101), 2)
    shares = [float((similarity >= height - 1e-9).sum() / users) for height in heights]
    by_similarity = share_chart(
        "coverage-similarity",
        "Users near an exemplar",
        "Share of users whose exemplar is at least this similar (cosine of histories).",
        heights.tolist(),
        [Series("users", shares)],
        x_label="similarity at least",
        y_label="users",
        x_format=".2g",
    )
    order = list(dict.fromkeys(row[0] for row in members))
    place = {subject: rank for rank, subject in enumerate(order)}
    rank = np.array([place[row[0]] for row in members])
    series = [
        Series(f"similarity ≥ {level:g}", _cumulative(rank[similarity >= level], len(order), users))
        for level in LEVELS
    ]
    by_exemplar = share_chart(
        "coverage-exemplars",
        "Users covered, exemplar by exemplar",
        "The exemplars with most members come first; a user counts once it is similar enough.",
        list(range(len(order) + 1)),
        series,
        x_label="exemplars",
        y_label="users",
        steps=True,
    )
    return [by_similarity, by_exemplar]


def _cumulative(ranks: np.ndarray, exemplars: int, users: int) -> list[float]:
    counts = np.bincount(ranks, minlength=exemplars)
    return [0.0, *(float(v) for v in np.cumsum(counts) / users)]


def _synthetic(store: Store, chosen: list[dict[str, Any]], users: int) -> list[Chart]:
    """Curves of chosen synthetic users as maximum coverage counted them, else as stored."""
    facts = store.meta("synthetic_users", {})
    if not chosen or not users:
        return []
    if facts.get("items") and all("users_covered" in one for one in chosen):
        covered = [one["users_covered"] for one in chosen]
        owned = [one["items_covered"] for one in chosen]
        items, note = facts["items"], "In the order in which maximum coverage chose them."
        names = ("users in a clique", "items they own")
    else:
        covered, owned, items = _unions(store)
        note = "In the order in which they were imported."
        names = ("users they stand for", "items they stand for")
    series = [
        Series(names[0], [0.0, *(n / users for n in covered)]),
        Series(names[1], [0.0, *(n / items for n in owned)]),
    ]
    if all("weight_covered" in one for one in chosen):
        series.append(Series("of the objective", [0.0, *(one["weight_covered"] for one in chosen)]))
    return [
        share_chart(
            "coverage-synthetic",
            "Covered by synthetic users",
            note,
            list(range(len(chosen) + 1)),
            series,
            x_label="synthetic users",
            y_label="covered",
            steps=True,
        )
    ]


def _unions(store: Store) -> tuple[list[int], list[int], int]:
    """Users and items of the first 1, 2, ... synthetic users, and the number of all items."""
    with store.read() as connection:
        items = connection.exec_driver_sql("SELECT count(*) FROM items").scalar_one()
        members = connection.exec_driver_sql(_UNION_USERS).all()
        stands_for = connection.exec_driver_sql(_UNION_ITEMS).all()
        subjects = list(connection.exec_driver_sql(_ORDER).scalars())
    return _growth(subjects, members), _growth(subjects, stands_for), max(int(items), 1)


def _growth(subjects: list[int], pairs: Sequence[Any]) -> list[int]:
    of_subject: dict[int, list[int]] = {}
    for subject, value in pairs:
        of_subject.setdefault(subject, []).append(value)
    union: set[int] = set()
    sizes = []
    for subject in subjects:
        union.update(of_subject.get(subject, ()))
        sizes.append(len(union))
    return sizes
