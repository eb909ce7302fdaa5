"""Rows of the published tables, read from one snapshot of a store: of the living alone.

An item is published where somebody living has it, an interest rests on it, or a list names it: the
title of what only a forgotten person had is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from store.db.statements import statement
from store.digests import PREFIX, json_digest
from store.publishing.explaining import explanations
from store.publishing.tables import TABLES, VECTORS, PublishedTable

if TYPE_CHECKING:
    import polars as pl

    from store.data.dataset import Dataset
    from store.publishing.target import Rows
    from store.store import Store

_ORIGIN = statement("SELECT started_at, config_digest FROM runs ORDER BY run_id LIMIT 1")
_LIVING = statement("SELECT user_ix FROM users WHERE NOT forgotten ORDER BY user_ix")
_CITED = statement("SELECT DISTINCT item_ix FROM evidence")
_INTERESTS = statement(
    "SELECT n.interest_id, s.name, s.kind, n.label, n.description, n.strength, n.source, "
    "n.response_id, n.canonical_id, n.pinned, EXISTS (SELECT 1 FROM evidence e "
    "WHERE e.interest_id = n.interest_id) AS proven, coalesce(r.users, 0) AS users "
    "FROM interests n JOIN subjects s USING (subject_id) LEFT JOIN (SELECT interest_id, "
    "count(*) AS users FROM interest_users GROUP BY interest_id) r USING (interest_id) "
    "WHERE s.active ORDER BY n.interest_id"
)
_EVIDENCE = statement(
    "SELECT e.interest_id, i.item_id, e.position FROM evidence e JOIN items i USING (item_ix) "
    "JOIN interests n USING (interest_id) JOIN subjects s USING (subject_id) WHERE s.active "
    "ORDER BY e.interest_id, e.position, i.item_id"
)
_USER_INTERESTS = statement(
    "SELECT user_id, through, interest_id, subject, weight FROM user_interests "
    "ORDER BY user_id, through, interest_id"
)
_ASSIGNMENTS = statement(
    "SELECT u.user_id, a.interest_id, a.rank, a.score, i.item_id, t.similarity "
    "FROM assignments a JOIN users u USING (user_ix) JOIN interests n USING (interest_id) "
    "JOIN subjects s ON s.subject_id = n.subject_id AND s.active "
    "LEFT JOIN assignment_items t ON t.user_ix = a.user_ix AND t.interest_id = a.interest_id "
    "LEFT JOIN items i ON i.item_ix = t.item_ix WHERE undisputed(a) "
    "ORDER BY a.user_ix, a.rank, a.interest_id, t.similarity DESC, i.item_id"
)


def origin_of(connection: Connection) -> str:
    """Which store it is: the same for its copies, another for a store built anew."""
    row = connection.execute(_ORIGIN).first()
    return json_digest([] if row is None else list(row))


class Material:
    """What is read of a store, in one open read transaction.

    Parameters
    ----------
    store, connection
        The store and its transaction.
    lists
        Columns user_id, rank, item_id, score, interest; those of users or items that the store
        does not know are left out.
    vectors
        Whether text vectors are published.
    """

    def __init__(
        self,
        store: Store,
        connection: Connection,
        lists: pl.DataFrame | None,
        *,
        vectors: bool = False,
    ) -> None:
        self.store, self.connection = store, connection
        self.dataset: Dataset = store.datasets.load()
        self.living = np.array(connection.execute(_LIVING).scalars().all(), dtype=np.int64)
        self.tables: tuple[PublishedTable, ...] = TABLES + (VECTORS if vectors else ())
        self.lists = None if lists is None else self._of_the_living(lists)
        self._rows: dict[str, Callable[[], Rows]] = {
            "users": self._users,
            "items": self._items,
            "interests": self._interests,
            "evidence": lambda: self._read(_EVIDENCE),
            "user_interests": lambda: self._read(_USER_INTERESTS),
            "assignments": self._assignments,
            "histories": self._histories,
            "lists": lambda: iter(() if self.lists is None else self.lists.iter_rows()),
            "explanations": self._explanations,
            "interest_vectors": self._interest_vectors,
            "item_vectors": self._item_vectors,
        }

    @cached_property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """CSR of what may describe a user at serving."""
        return self.dataset.known()

    @property
    def width(self) -> int:
        """Width of text vectors; 0 where nothing is encoded."""
        return int(self._item_matrix.shape[1])

    def rows(self, table: PublishedTable) -> Rows:
        """Rows of a table as it should be published, in the order of its columns."""
        return self._rows[table.name]()

    def digest(self, table: PublishedTable, known: dict[str, str]) -> tuple[str, int]:
        """Address of a table's content, and its number of rows where that was counted.

        Explanations follow from all other tables, and computing them takes longest: their address
        is made of those of the others, in ``known``.
        """
        if table.name == "explanations":
            return json_digest([list(table.columns), sorted(known.items())]), -1
        content, count = hashlib.sha256(repr(table.columns).encode()), 0
        for row in self.rows(table):
            content.update(repr(tuple(row)).encode())
            count += 1
        return PREFIX + content.hexdigest(), count

    def _read(self, query: Any) -> Rows:
        found = self.connection.execute(query, execution_options={"yield_per": 10_000})
        return (tuple(row) for row in found)

    def _interests(self) -> Rows:
        for *others, pinned, proven, users in self._read(_INTERESTS):
            yield *others, bool(pinned), bool(proven), users

    def _of_the_living(self, lists: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        users = pl.Series([self.dataset.user_ids[ix] for ix in self.living], dtype=pl.String)
        items = pl.Series(self.dataset.item_ids, dtype=pl.String)
        kept = lists.filter(
            pl.col("user_id").is_in(users.implode()), pl.col("item_id").is_in(items.implode())
        )
        return kept.sort("user_id", "rank")

    def _users(self) -> Rows:
        counts = np.diff(self.known[0])
        return ((self.dataset.user_ids[ix], int(counts[ix])) for ix in self.living.tolist())

    def _items(self) -> Rows:
        wanted = set(np.unique(self.dataset.items).tolist())
        wanted |= set(self.connection.execute(_CITED).scalars())
        if self.lists is not None:
            wanted |= {self.dataset.item_index[one] for one in self.lists["item_id"].unique()}
        data = self.dataset
        return (
            (data.item_ids[ix], data.titles[ix], list(data.categories[ix])) for ix in sorted(wanted)
        )

    def _histories(self) -> Rows:
        indptr, items = self.known
        ids = self.dataset.item_ids
        for ix in self.living.tolist():
            history = items[int(indptr[ix]) : int(indptr[ix + 1])].tolist()
            if history:
                yield self.dataset.user_ids[ix], [ids[item] for item in history]

    def _assignments(self) -> Rows:
        last: tuple[Any, ...] | None = None
        items: list[str] = []
        similarities: list[float] = []
        for user, interest, rank, score, item, similarity in self._read(_ASSIGNMENTS):
            this = (user, interest, rank, score)
            if this != last:
                if last is not None:
                    yield *last, items, similarities
                last, items, similarities = this, [], []
            if item is not None:
                items.append(item)
                similarities.append(similarity)
        if last is not None:
            yield *last, items, similarities

    def _explanations(self) -> Rows:
        if self.lists is None:
            return iter(())
        return explanations(self.store, self.dataset, self.lists, self.connection)

    @cached_property
    def _item_matrix(self) -> np.ndarray:
        return self.store.vectors.items()

    def _interest_vectors(self) -> Rows:
        ids, matrix = self.store.vectors.interests()
        return _with_vectors(ids.tolist(), matrix)

    def _item_vectors(self) -> Rows:
        published = [row[0] for row in self._items()]
        rows = [self.dataset.item_index[one] for one in published]
        return _with_vectors(published, self._item_matrix[rows])


def _with_vectors(names: Sequence[Any], matrix: np.ndarray) -> Iterator[tuple[Any, list[float]]]:
    """Each name with its vector; those without a text have none."""
    for name, vector in zip(names, matrix, strict=True):
        if vector.any():
            yield name, [round(float(one), 5) for one in vector]
