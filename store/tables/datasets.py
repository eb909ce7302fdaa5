"""Items, users and interactions of a store: written whole, read as a :class:`Dataset`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sqlalchemy import Connection

from store.choices import InteractionsIn
from store.data.dataset import Dataset
from store.data.splits import Part, Split
from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.digests import bytes_digest, canonical_json
from store.errors import StoreError
from store.tables.histories.columns import Columns
from store.tables.histories.door import Histories
from store.tables.histories.outside import folder_of
from store.tables.shown import refuse_leak
from store.tables.sound import damaged, parsed, refuse_gaps, refuse_out_of_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.data.prepare import Prepared

USER_SPLITS = ("train", "valid", "test")


class ItemText(NamedTuple):
    """What the store knows of an item in words; ``title`` is None where it has no text."""

    item_ix: int
    item_id: str
    title: str | None
    categories: tuple[str, ...]


_USER_IX = statement("SELECT user_ix FROM users WHERE user_id = :user")
_IS_ANOTHERS = statement(
    "SELECT EXISTS (SELECT 1 FROM users WHERE user_id = :name AND user_ix <> :user)"
)
_RENAME = statement("UPDATE users SET user_id = :name WHERE user_ix = :user")
_NEXT_USER = statement("SELECT coalesce(max(user_ix), -1) + 1 FROM users")
_ADD_USER = "INSERT INTO users (user_ix, user_id, split) VALUES (?, ?, 'train')"


class Datasets:
    """Repository of the data set of a store."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def save(
        self,
        prepared: Prepared,
        source: str,
        *,
        place: InteractionsIn | None = None,
        tell: Callable[[str, int, int], None] = lambda step, done, total: None,
        record: Callable[[], object] = lambda: None,
    ) -> bool:
        """Write a prepared data set in one transaction; return whether anything changed.

        Items and users that the store already has keep their numbers, new ones are appended.

        Parameters
        ----------
        prepared, source
            The data, and where they are from.
        place
            Where interactions are to lie: ``store`` or ``parquet``; None leaves that as it is, and
            puts those of a new store into it.
        tell, record
            Called with (step, done, total); within the transaction, where anything changed.

        Raises
        ------
        LeakageError
            If the new split hides items that stored interests were already inferred from.
        """
        if self._db.meta("dataset_digest") == prepared.digest and place in (None, self.place()):
            return False
        with self._db.write() as connection:
            tell("saving items and users", 0, 0)
            item_ix = _upsert_items(connection, prepared)
            user_ix = _upsert_users(connection, prepared)
            columns = _numbered(prepared, user_ix, item_ix)
            histories = Histories(connection)
            histories.replace(columns, place, tell)
            tell("checking what was saved", 0, 0)
            refuse_leak(connection)
            self._db.set_meta(
                dataset_digest=prepared.digest,
                content_digest=content_digest(connection, columns),
                split={"name": prepared.split.name, "detail": prepared.split.detail},
                source=source,
            )
            record()
        self.remove_unnamed()
        return True

    def place(self) -> InteractionsIn:
        """Where interactions lie: in the store, or in Parquet files beside it."""
        with self._db.read() as connection:
            return Histories(connection).place

    def remove_unnamed(self) -> None:
        """Remove files of interactions that the store no longer names."""
        if folder_of(self._db.path).is_dir():
            with self._db.write() as connection:
                Histories(connection).remove_unnamed()

    def item_texts(self, wanted: Iterable[int] | None = None) -> list[ItemText]:
        """Return ids, titles and categories of the items with these ``item_ix``, by number.

        All items where ``wanted`` is None.
        """
        numbers = None if wanted is None else json.dumps(sorted(set(wanted)))
        with self._db.read() as connection:
            found = driver_connection(connection).execute(
                "SELECT item_ix, item_id, title, categories FROM items "
                "WHERE ?1 IS NULL OR item_ix IN (SELECT value FROM json_each(?1)) "
                "ORDER BY item_ix",
                (numbers,),
            )
            rows = found.fetchall()
        known: dict[str, tuple[str, ...]] = {}  # many items have the same categories
        for _, item_id, _, told in rows:
            if told not in known:
                known[told] = tuple(parsed(self._db.path, told, f"categories of {item_id!r}"))
        return [ItemText(row[0], row[1], row[2], known[row[3]]) for row in rows]

    def training_items(self, user: str) -> list[int] | None:
        """Return ``item_ix`` of a user's training interactions in time order; None: no user."""
        with self._db.read() as connection:
            user_ix = connection.execute(_USER_IX, {"user": user}).scalar()
            if user_ix is None:
                return None
            return Histories(connection).items_of(user_ix, (Part.TRAIN,))

    def append_users(
        self,
        user_ids: Sequence[str],
        indptr: NDArray[np.int64],
        items: NDArray[np.integer],
        timestamps: NDArray[np.int64],
        part: Part,
    ) -> list[int]:
        """Add users that the store does not have, behind all others; return their numbers.

        Parameters
        ----------
        user_ids
            ``[n]``, none of them known.
        indptr, items, timestamps
            CSR of their histories in time order, as item_ix; :data:`NO_TIME` where unknown.
        part
            What all their interactions are for.
        """
        with self._db.write() as connection:
            make_way(connection, user_ids)
            first = connection.execute(_NEXT_USER).scalar_one()
            numbers = list(range(first, first + len(user_ids)))
            driver_connection(connection).executemany(
                _ADD_USER, zip(numbers, user_ids, strict=True)
            )
            owners = np.repeat(np.array(numbers, dtype=np.int32), np.diff(indptr))
            positions = np.arange(len(owners)) - np.repeat(indptr[:-1], np.diff(indptr))
            columns = Columns(
                owners,
                positions.astype(np.int32),
                np.asarray(items, dtype=np.int32),
                np.asarray(timestamps, dtype=np.int64),
                np.full(len(owners), int(part), dtype=np.int8),
            )
            Histories(connection).append(columns)
            self._db.set_meta(content_digest=content_digest(connection))
        return numbers

    def load(self) -> Dataset:
        """Read the whole data set.

        Raises
        ------
        StoreError
            If nothing was built into the store yet.
        """
        split = self._db.meta("split")
        if split is None:
            raise StoreError(
                f"{self._db.path} holds no data yet; "
                f"run: profiler build DATA --store {self._db.path}"
            )
        with self._db.read() as connection:
            items = connection.execute(
                statement("SELECT item_id, title, categories, item_ix FROM items ORDER BY item_ix")
            ).all()
            users = connection.execute(
                statement("SELECT user_id, split, user_ix FROM users ORDER BY user_ix")
            ).all()
            table = Histories(connection).all()
        path = self._db.path
        refuse_gaps(path, np.array([row.item_ix for row in items], dtype=np.int64), "item")
        refuse_gaps(path, np.array([row.user_ix for row in users], dtype=np.int64), "user")
        refuse_out_of_range(path, table.users, len(users), "user_ix of an interaction:")
        refuse_out_of_range(path, table.items, len(items), "item_ix of an interaction:")
        refuse_out_of_range(path, table.parts, len(Part), "part of an interaction:")
        if any(row.split not in USER_SPLITS for row in users):
            raise damaged(path, "a user is in no split")
        return Dataset(
            user_ids=[row[0] for row in users],
            item_ids=[row[0] for row in items],
            titles=[row[1] for row in items],
            categories=[
                tuple(parsed(path, row[2], f"categories of item {row[0]!r}")) for row in items
            ],
            indptr=table.indptr(len(users)),
            items=table.items,
            timestamps=table.timestamps,
            parts=table.parts,
            user_split=np.array([USER_SPLITS.index(row[1]) for row in users], dtype=np.int8),
            split=Split(split["name"], split["detail"]),
        )

    def item_extra(self, name: str) -> list[str | None]:
        """What the item file says of each item under ``name`` (such as ``brand``), as text."""
        with self._db.read() as connection:
            rows = connection.execute(
                statement("SELECT extra FROM items ORDER BY item_ix")
            ).scalars()
            found = [parsed(self._db.path, r, "extra of an item", dict).get(name) for r in rows]
        return [None if value in (None, "") else str(value) for value in found]


def content_digest(connection: Connection, columns: Columns | None = None) -> str:
    """Address of the data as they stand: items, users and interactions.

    Of interactions in Parquet files their digests are taken, which ``verify`` compares with the
    bytes; those of the table are read, unless they are given as ``columns``.
    """
    histories = Histories(connection)
    rows = (
        repr(tuple(row)).encode()
        for query in (
            "SELECT item_ix, item_id, title, categories, extra FROM items ORDER BY item_ix",
            "SELECT user_ix, user_id, split FROM users ORDER BY user_ix",
        )
        for row in connection.execute(statement(query))
    )
    if histories.place == "parquet":
        return bytes_digest(chain(rows, (digest.encode() for digest in histories.digests())))
    columns = histories.all() if columns is None else columns
    return bytes_digest(chain(rows, columns.content()))


def _upsert_items(connection: Connection, prepared: Prepared) -> NDArray[np.int64]:
    known = _numbers(connection, "SELECT item_id, item_ix FROM items")
    numbers = _assign(known, prepared.item_ids)
    driver_connection(connection).executemany(
        "INSERT INTO items (item_ix, item_id, title, categories, extra) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (item_ix) DO UPDATE SET title = excluded.title, "
        "categories = excluded.categories, extra = excluded.extra",
        [
            (int(ix), item_id, title, canonical_json(list(categories)), canonical_json(extra))
            for ix, item_id, title, categories, extra in zip(
                numbers,
                prepared.item_ids,
                prepared.titles,
                prepared.categories,
                prepared.extra,
                strict=True,
            )
        ],
    )
    return numbers


def forgotten_name(connection: Connection, user_ix: int) -> str:
    """A name for a forgotten user that no other user has."""
    name = f"forgotten:{user_ix}"
    while connection.execute(_IS_ANOTHERS, {"name": name, "user": user_ix}).scalar_one():
        name += "'"
    return name


def make_way(connection: Connection, ids: Iterable[str]) -> None:
    """Rename forgotten users whose stand-in name somebody in the data really has."""
    forgotten = _numbers(connection, "SELECT user_id, user_ix FROM users WHERE forgotten")
    wanted = set(ids)
    for name in sorted(wanted & forgotten.keys()):
        longer = name
        while longer in wanted or connection.execute(_USER_IX, {"user": longer}).first():
            longer += "'"
        connection.execute(_RENAME, {"name": longer, "user": forgotten[name]})


def _upsert_users(connection: Connection, prepared: Prepared) -> NDArray[np.int64]:
    make_way(connection, prepared.user_ids)
    known = _numbers(connection, "SELECT user_id, user_ix FROM users")
    numbers = _assign(known, prepared.user_ids)
    driver_connection(connection).executemany(
        "INSERT INTO users (user_ix, user_id, split) VALUES (?, ?, ?) "
        "ON CONFLICT (user_ix) DO UPDATE SET split = excluded.split",
        [
            (int(ix), user_id, USER_SPLITS[split])
            for ix, user_id, split in zip(
                numbers, prepared.user_ids, prepared.user_split.tolist(), strict=True
            )
        ],
    )
    return numbers


def _numbers(connection: Connection, query: str) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(statement(query))}


def _assign(known: dict[str, int], ids: list[str]) -> NDArray[np.int64]:
    """Keep known numbers; give the next free ones to new ids, in their order."""
    following = max(known.values(), default=-1) + 1
    for name in ids:
        if name not in known:
            known[name] = following
            following += 1
    return np.array([known[name] for name in ids], dtype=np.int64)


def _numbered(
    prepared: Prepared, user_ix: NDArray[np.int64], item_ix: NDArray[np.int64]
) -> Columns:
    """Interactions as the store numbers users and items, in the order of its key."""
    lengths = np.diff(prepared.indptr)
    users = np.repeat(user_ix.astype(np.int32), lengths)
    positions = np.arange(len(users)) - np.repeat(prepared.indptr[:-1], lengths)
    columns = Columns(
        users,
        positions.astype(np.int32),
        item_ix[prepared.items].astype(np.int32),
        prepared.timestamps,
        prepared.parts,
    )
    if (np.diff(user_ix) > 0).all():
        return columns
    return columns.rows(np.lexsort((columns.positions, columns.users)))
