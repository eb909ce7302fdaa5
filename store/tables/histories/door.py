"""The one door to interactions: whoever reads or writes them need not know where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from store.choices import InteractionsIn
from store.data.splits import Part
from store.db.driver import driver_connection
from store.db.transactions import STORE_PATH
from store.digests import canonical_json
from store.tables.histories import inside, outside
from store.tables.histories.columns import Columns

_MAIN_FILE = "SELECT file FROM pragma_database_list WHERE name = 'main'"


class Histories:
    """The interactions of a store as one transaction sees them.

    Parameters
    ----------
    connection
        In an open transaction of :class:`store.db.transactions.Transactions`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._folder = outside.folder_of(_path_of(connection))
        self._files = outside.Files(self._folder, outside.part_files(connection))

    @property
    def place(self) -> InteractionsIn:
        """Where they lie."""
        return "parquet" if self._files.parts else "store"

    def all(self) -> Columns:
        """All interactions.

        Raises
        ------
        StoreError
            If a file is missing or damaged.
        """
        return self._files.read() if self._files.parts else inside.read_table(self._connection)

    def of_users(self, users: Sequence[int] | NDArray[np.integer]) -> Columns:
        """Interactions of some users, in the order of user_ix."""
        wanted = [int(user) for user in users]
        if self._files.parts:
            return self._files.read(wanted)
        return inside.read_table(self._connection, wanted)

    def items_of(self, user_ix: int, parts: Iterable[int] = tuple(Part)) -> list[int]:
        """``item_ix`` of one user's interactions of these parts, the oldest first."""
        found = self.of_users([user_ix])
        keep = np.isin(found.parts, [int(part) for part in parts])
        return [int(item) for item in found.items[keep]]

    def items_as_json(self, user_ix: int, parts: Iterable[int] = tuple(Part)) -> str:
        """The same as JSON, for ``json_each``: the key of each is its place."""
        return canonical_json(self.items_of(user_ix, parts))

    def count(self) -> tuple[int, int]:
        """How many interactions there are, and how many of them training may not see."""
        if self._files.parts:
            parts = self._files.parts
            return sum(part.rows for part in parts), sum(part.hidden for part in parts)
        return inside.count_table(self._connection)

    def replace(
        self, columns: Columns, place: InteractionsIn | None = None, tell: inside.Tell | None = None
    ) -> None:
        """Put other interactions in the place of all.

        Parameters
        ----------
        columns
            What there is from now on; users and items are in the store.
        place
            Where they are to lie; None leaves that as it is.
        tell
            Called with (step, done, total).
        """
        place = place or self.place
        inside.empty_table(self._connection)
        parts: list[outside.PartFile] = []
        if place == "parquet" and len(columns.users):
            if tell is not None:
                tell("writing interactions as Parquet", 0, 0)
            parts = outside.write_files(self._folder, columns)
        else:
            inside.write_table(self._connection, columns, tell)
        self._name(parts)
        count_item_users(self._connection, columns)

    def append(self, columns: Columns) -> None:
        """Add the interactions of users behind all others."""
        if not len(columns.users):
            return
        if self._files.parts:
            later = outside.write_files(self._folder, columns, self._files.parts[-1].part + 1)
            self._name([*self._files.parts, *later])
        else:
            inside.write_table(self._connection, columns)
        add_item_users(self._connection, columns, 1)

    def remove_user(self, user_ix: int) -> int:
        """Remove the interactions of one user; returns how many there were.

        A file that holds them is written anew without them; :meth:`remove_unnamed` removes the
        old one, once this transaction is committed.
        """
        own = self.of_users([user_ix])
        if self._files.parts:
            self._name([self._without(part, user_ix) for part in self._files.parts])
        else:
            inside.remove_from_table(self._connection, user_ix)
        add_item_users(self._connection, own, -1)
        return len(own.users)

    def _without(self, part: outside.PartFile, user_ix: int) -> outside.PartFile:
        if not part.first_user <= user_ix < part.end_user:
            return part
        columns = outside.Files(self._folder, [part]).read()
        others = columns.rows(columns.users != user_ix)
        span = (part.first_user, part.end_user)
        return outside.write_file(self._folder, others, part.part, span)

    def _name(self, parts: Sequence[outside.PartFile]) -> None:
        outside.name_files(self._connection, parts)
        self._files = outside.Files(self._folder, parts)

    def remove_unnamed(self) -> int:
        """Remove files that the store no longer names; in a write transaction of its own."""
        return self._files.remove_unnamed()

    def paths(self) -> list[Path]:
        """The files beside the store, none where all is in its table.

        Raises
        ------
        StoreError
            If one is missing.
        """
        return [self._files.path_of(part) for part in self._files.parts]

    def digests(self) -> list[str]:
        """Digests of the files, in order."""
        return [part.digest for part in self._files.parts]

    def faults(self) -> list[str]:
        """What is wrong with the files, a sentence each; nothing where all is in the table."""
        return list(self._files.faults())


def _path_of(connection: Connection) -> Path:
    """The store that a connection reads; of a transaction that nobody told, the file itself."""
    told = connection.get_execution_options().get(STORE_PATH)
    if told is None:
        told = driver_connection(connection).execute(_MAIN_FILE).fetchone()[0]
    return Path(told)


def count_item_users(connection: Connection, columns: Columns) -> None:
    """Count anew how many users have each item."""
    driver = driver_connection(connection)
    driver.execute("DELETE FROM item_users")
    rows = item_users(columns)
    driver.executemany("INSERT INTO item_users (item_ix, users, training) VALUES (?, ?, ?)", rows)


def add_item_users(connection: Connection, columns: Columns, sign: int) -> None:
    """Count users that came (1) or went (-1) with these interactions."""
    driver = driver_connection(connection)
    rows = [(item, sign * users, sign * training) for item, users, training in item_users(columns)]
    driver.executemany(
        "INSERT INTO item_users (item_ix, users, training) VALUES (?, ?, ?) ON CONFLICT (item_ix) "
        "DO UPDATE SET users = users + excluded.users, training = training + excluded.training",
        rows,
    )
    driver.execute("DELETE FROM item_users WHERE users = 0")


def item_users(columns: Columns) -> list[tuple[int, int, int]]:
    """For each item that somebody has: its users, and those whose training shows it."""
    if not len(columns.items):
        return []
    width = int(columns.items.max()) + 1
    counts = []
    for keep in (slice(None), columns.parts == Part.TRAIN):
        pairs = columns.users[keep].astype(np.int64) * width + columns.items[keep]
        counts.append(np.bincount(np.unique(pairs) % width, minlength=width))
    owned = np.flatnonzero(counts[0])
    return list(
        zip(owned.tolist(), counts[0][owned].tolist(), counts[1][owned].tolist(), strict=True)
    )
