"""Coverage curves: how much of the crowd the exemplars and synthetic users stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from profiler.reporting.figures import Chart, Series, share_chart
from store.views.coverage import Coverage, coverage, unions

if TYPE_CHECKING:
    from store.store import Store

LEVELS = (0.5, 0.7, 0.8, 0.9)
"""Similarities at which users count as covered in the cumulative chart (our choice)."""


def coverage_charts(store: Store) -> list[Chart]:
    """Return the curves the store has figures for; none where nobody was chosen."""
    facts = coverage(store)
    charts = _exemplars(facts.members, facts.users) if facts.members and facts.users else []
    return charts + _synthetic(store, facts)


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


def _synthetic(store: Store, facts: Coverage) -> list[Chart]:
    """Curves of chosen synthetic users as maximum coverage counted them, else as stored."""
    chosen, users = facts.chosen, facts.users
    if not chosen or not users:
        return []
    if facts.facts.get("items") and all("users_covered" in one for one in chosen):
        covered = [one["users_covered"] for one in chosen]
        owned = [one["items_covered"] for one in chosen]
        items, note = facts.facts["items"], "In the order in which maximum coverage chose them."
        names = ("users in a clique", "items they own")
    else:
        together = unions(store)
        covered, owned, items = together.users, together.items, max(together.all_items, 1)
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
