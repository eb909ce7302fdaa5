"""Gather everything the report shows, in the order in which it is read, and write the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiler.reporting.card import run_card
from profiler.reporting.clouds import draw_clouds
from profiler.reporting.coverage import coverage_charts
from profiler.reporting.landscape import MOST_POINTS, Landscape, draw_map
from profiler.reporting.people import USERS, describe_users, sample_users
from profiler.reporting.render import render
from profiler.reporting.scores import files_of, read_scores
from profiler.reporting.sizes import sizes_and_overlaps
from store.files import whole_file
from store.outputs import output_target
from store.views.catalogue import list_interests

if TYPE_CHECKING:
    from store.store import Store

MOST_EVIDENCE = 4
MOST_CLOUD_CANDIDATES = 60


@dataclass(frozen=True)
class Written:
    """What a report holds: the file, its size, interests and users shown of all."""

    out: Path
    bytes: int
    interests: int
    interests_stored: int
    users: int
    users_stored: int


def write_report(
    store: Store,
    out: str | Path,
    *,
    model: str | Path | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> Written:
    """Write the report on ``store`` to ``out``, whole or not at all.

    Parameters
    ----------
    store
        An open store; it is only read.
    out
        The HTML file.
    model
        A folder of ``recommender train --out`` whose figures are shown.
    seed
        Decides the sample of users, the themes and the map.
    overwrite
        Replace the file where it exists.

    Raises
    ------
    UserError
        If ``out`` cannot be written, exists and ``overwrite`` is false, or is the store or a file
        of the model folder; if the model folder cannot be read.
    """
    folder = None if model is None else Path(model)
    reads = [store.path, *(() if folder is None else files_of(folder))]
    target = output_target(out, overwrite=overwrite, reads=reads)
    facts, written = gather(store, folder, seed)
    page = render(**facts).encode("utf-8", "replace")
    with whole_file(target) as partial:
        partial.write_bytes(page)
    return Written(Path(out), len(page), *written)


def gather(
    store: Store, model: Path | None, seed: int
) -> tuple[dict[str, Any], tuple[int, int, int, int]]:
    """Return the facts the template needs, and (interests, of all, users, of all) shown."""
    with store.read() as connection:
        users_stored = connection.exec_driver_sql(
            "SELECT count(*) FROM users WHERE NOT forgotten"
        ).scalar_one()
    grouped = list_interests(store)
    everything = list_interests(store, raw=True)
    entries = spread(everything, MOST_POINTS)
    landscape = draw_map(store, entries, seed)
    users = sample_users(store, seed, max(USERS, MOST_CLOUD_CANDIDATES))
    facts = {
        "name": store.path.name,
        "card": run_card(store),
        "charts": coverage_charts(store),
        "map": landscape,
        "interests": _rows(store, entries, landscape),
        "interests_stored": len(everything),
        "labels_stored": len(grouped),
        "clouds": draw_clouds(store, users),
        "sizes": sizes_and_overlaps(store, grouped),
        "scores": read_scores(model, store.datasets.load().digest) if model else None,
        "people": describe_users(store, users[:USERS]),
        "users_stored": users_stored,
        "seed": seed,
    }
    return facts, (len(entries), len(everything), min(len(users), USERS), users_stored)


def spread(entries: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most ``most`` entries at even steps through the list, so that large and small remain."""
    if len(entries) <= most:
        return entries
    return [entries[i * len(entries) // most] for i in range(most)]


def _rows(
    store: Store, entries: list[dict[str, Any]], landscape: Landscape
) -> list[dict[str, Any]]:
    """Interests shown: words, users, theme (None where not on the map), first evidence titles."""
    from store.views.users import evidence_of

    themes = {point.interest_id: point.theme for point in landscape.points}
    ids = [entry["interest_id"] for entry in entries]
    rows = []
    with store.read() as connection:
        evidence = evidence_of(connection, ids)
    for entry in entries:
        proof = evidence.get(entry["interest_id"], [])
        titles = [e["title"] or e["item_id"] for e in proof[:MOST_EVIDENCE]]
        rows.append(
            {
                "id": entry["interest_id"],
                "label": entry["label"],
                "description": entry["description"],
                "users": entry["users"],
                "evidence": titles,
                "more": max(0, len(proof) - MOST_EVIDENCE),
                "theme": themes.get(entry["interest_id"]),
                "subject": entry["subject"],
            }
        )
    return rows
