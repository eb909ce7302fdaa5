"""Interests whose labels their items do not bear out, as the last look at all of them found."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from store.db.driver import driver_connection
from store.db.statements import statement

if TYPE_CHECKING:
    from store.store import Store


def keep_far_labels(store: Store, closeness: Mapping[int, float]) -> None:
    """Keep exactly these: interest id → share of the catalogue that is farther from its words.

    Nothing is written where that is what is kept already.
    """
    if dict(closeness) == far_labels(store):
        return
    with store.write() as connection:
        driver = driver_connection(connection)
        driver.execute("DELETE FROM far_labels")
        driver.executemany(
            "INSERT INTO far_labels (interest_id, closeness) VALUES (?, ?)",
            sorted(closeness.items()),
        )


def far_labels(store: Store) -> dict[int, float]:
    """All that are kept, by interest id."""
    with store.read() as connection:
        rows = connection.execute(
            statement("SELECT interest_id, closeness FROM far_labels ORDER BY interest_id")
        ).all()
    return {int(row[0]): float(row[1]) for row in rows}


def far_among(store: Store, interests: Collection[int]) -> list[int]:
    """Those of some interests that are far, in order."""
    return sorted(set(interests) & far_labels(store).keys())


def brought(store: Store) -> set[int]:
    """Interests that somebody brought or pinned: their labels are a person's word."""
    with store.read() as connection:
        rows = connection.execute(
            statement("SELECT interest_id FROM interests WHERE pinned OR source LIKE 'import:%'")
        )
        return {int(row[0]) for row in rows}
