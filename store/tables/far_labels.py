"""Interests whose labels their items do not bear out, as the last look at all of them found."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from store.db.driver import raw
from store.db.statements import statement
from store.db.transactions import Transactions


class FarLabels:
    """Repository of the table ``far_labels``."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def replace(self, closeness: Mapping[int, float]) -> None:
        """Keep exactly these: interest id → share of the catalogue that is farther from its words.

        Nothing is written where that is what is kept already.
        """
        if dict(closeness) == self.closeness():
            return
        with self._db.write() as connection:
            driver = raw(connection)
            driver.execute("DELETE FROM far_labels")
            driver.executemany(
                "INSERT INTO far_labels (interest_id, closeness) VALUES (?, ?)",
                sorted(closeness.items()),
            )

    def closeness(self) -> dict[int, float]:
        """All of them, by interest id."""
        with self._db.read() as connection:
            rows = connection.execute(
                statement("SELECT interest_id, closeness FROM far_labels ORDER BY interest_id")
            ).all()
        return {int(row[0]): float(row[1]) for row in rows}

    def brought(self) -> set[int]:
        """Interests that somebody brought or pinned: their labels are a person's word."""
        with self._db.read() as connection:
            rows = connection.execute(
                statement(
                    "SELECT interest_id FROM interests WHERE pinned OR source LIKE 'import:%'"
                )
            )
            return {int(row[0]) for row in rows}

    def among(self, interests: Collection[int]) -> list[int]:
        """Those of some interests that are far, in order."""
        return sorted(set(interests) & self.closeness().keys())
