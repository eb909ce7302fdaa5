"""Coverage curves: how much of the crowd the exemplars and synthetic users stand for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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


def _synthetic(store: Store, chosen: list[dict[str, float]], users: int) -> list[Chart]:
    facts = store.meta("synthetic_users", {})
    items = facts.get("items", 0)
    if not users or not items or not all("users_covered" in one for one in chosen) or not chosen:
        return []
    series = [
        Series("users in a clique", [0.0, *(one["users_covered"] / users for one in chosen)]),
        Series("items they own", [0.0, *(one["items_covered"] / items for one in chosen)]),
    ]
    if all("weight_covered" in one for one in chosen):
        series.append(Series("of the objective", [0.0, *(one["weight_covered"] for one in chosen)]))
    return [
        share_chart(
            "coverage-synthetic",
            "Covered by synthetic users",
            "In the order in which maximum coverage chose them.",
            list(range(len(chosen) + 1)),
            series,
            x_label="synthetic users",
            y_label="covered",
            steps=True,
        )
    ]
