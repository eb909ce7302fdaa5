"""Rankings: which of a case's candidates a model puts first, and the hints it was given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.tables.sound import parsed, refuse_out_of_range

_DELETE = "DELETE FROM rankings WHERE case_id = ? AND source = ? AND forced = ?"
_SAVE = (
    "INSERT INTO rankings (case_id, source, forced, items, template_digest, response_id) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_ALL = statement(
    "SELECT ranking_id, case_id, source, forced, items, template_digest, response_id "
    "FROM rankings ORDER BY ranking_id"
)
_N_ITEMS = statement("SELECT count(*) FROM items")
_SAVE_HINTS = statement(
    "INSERT OR REPLACE INTO teacher_hints (teacher, source, hints, template_digest, response_id) "
    "VALUES (:teacher, :source, :hints, :template_digest, :response_id)"
)
_HINTS = statement(
    "SELECT teacher, source, hints, template_digest, response_id FROM teacher_hints "
    "ORDER BY teacher, source"
)
_DROP_HINTS = statement("DELETE FROM teacher_hints WHERE teacher = :teacher AND source = :source")


@dataclass(frozen=True)
class Ranking:
    """The candidates of a case that a model puts first.

    Attributes
    ----------
    case_id
        Of the case.
    source
        ``offline``, the model's name, or ``import:NAME``.
    items
        ``item_ix``, the best first, each once.
    forced
        Whether the case's target was put among the candidates for it: such a ranking may train a
        model, and measures nothing.
    template_digest
        The question it answers; None where somebody brought it.
    response_id
        The answer it was read from, if it is in the store.
    """

    case_id: int
    source: str
    items: tuple[int, ...]
    forced: bool = False
    template_digest: str | None = None
    response_id: int | None = None


@dataclass(frozen=True)
class TeacherHints:
    """What a model said of a teacher's lists.

    Attributes
    ----------
    teacher
        Digest of the teacher's weights.
    source
        ``offline``, or the model's name.
    hints
        General sentences, without ids.
    template_digest, response_id
        The question they answer, and the answer they were read from.
    """

    teacher: str
    source: str
    hints: tuple[str, ...]
    template_digest: str
    response_id: int


class Rankings:
    """Repository of rankings, and of the hints that questions about them quote."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def save(self, rankings: Iterable[Ranking]) -> None:
        """Store rankings, each in place of the one its source gave of the case before."""
        with self._db.write() as connection:
            driver = driver_connection(connection)
            for one in rankings:
                key = (one.case_id, one.source, int(one.forced))
                driver.execute(_DELETE, key)
                row = (*key, json.dumps(list(one.items)), one.template_digest, one.response_id)
                driver.execute(_SAVE, row)

    def load(self, cases: Sequence[int] | None = None, source: str | None = None) -> list[Ranking]:
        """Rankings of some cases, or of all; by one source, where it is named.

        Raises
        ------
        StoreError
            The store is damaged: a cell is no list of numbers of items.
        """
        with self._db.read() as connection:
            rows = connection.execute(_ALL).all()
            n_items = int(connection.execute(_N_ITEMS).scalar_one())
        wanted = None if cases is None else set(cases)
        return [
            Ranking(
                case_id=row.case_id,
                source=row.source,
                items=self._items(row.items, n_items, row.ranking_id),
                forced=bool(row.forced),
                template_digest=row.template_digest,
                response_id=row.response_id,
            )
            for row in rows
            if (wanted is None or row.case_id in wanted) and source in (None, row.source)
        ]

    def remove(self, case_id: int, source: str, *, forced: bool) -> None:
        """Remove what a source gave of a case."""
        with self._db.write() as connection:
            driver_connection(connection).execute(_DELETE, (case_id, source, int(forced)))

    def save_hints(self, hints: TeacherHints) -> None:
        """Store what a model said of a teacher, in place of what it said before."""
        values = {
            "teacher": hints.teacher,
            "source": hints.source,
            "hints": json.dumps(list(hints.hints), ensure_ascii=False),
            "template_digest": hints.template_digest,
            "response_id": hints.response_id,
        }
        with self._db.write() as connection:
            connection.execute(_SAVE_HINTS, values)

    def hints(self) -> list[TeacherHints]:
        """What was said of each teacher, by teacher and source."""
        with self._db.read() as connection:
            rows = connection.execute(_HINTS).all()
        return [
            TeacherHints(
                row.teacher,
                row.source,
                tuple(parsed(self._db.path, row.hints, f"hints of teacher {row.teacher}")),
                row.template_digest,
                row.response_id,
            )
            for row in rows
        ]

    def remove_hints(self, teacher: str, source: str) -> None:
        """Remove what a model said of a teacher."""
        with self._db.write() as connection:
            connection.execute(_DROP_HINTS, {"teacher": teacher, "source": source})

    def _items(self, cell: str, n_items: int, ranking: int) -> tuple[int, ...]:
        what = f"items of ranking {ranking}"
        numbers = [int(one) for one in parsed(self._db.path, cell, what)]
        refuse_out_of_range(self._db.path, np.array(numbers, dtype=np.int64), n_items, what)
        return tuple(numbers)
