"""Cases of training: a user's history, the item after it, and what a trained model ranks first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, Row

from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions, now
from store.digests import canonical_json, json_digest
from store.errors import LeakageError
from store.tables.sound import parsed, refuse_out_of_range

if TYPE_CHECKING:
    from store.data.dataset import Dataset

EXAMPLES = "examples"
"""Policy of the nomination that shows what a teacher's lists look like: cases drawn evenly."""

_ADD_CASE = (
    "INSERT OR IGNORE INTO cases (digest, teacher, user_ix, history, target_ix, candidates, "
    "difficulty) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_CASE_NUMBER = "SELECT case_id FROM cases WHERE digest = ?"
_ADD_NOMINATED = "INSERT INTO nominated (nomination_id, place, case_id) VALUES (?, ?, ?)"
_ADD = statement(
    "INSERT INTO nominations (digest, teacher, backbone, policy, seed, settings, run_id, made_at) "
    "VALUES (:digest, :teacher, :backbone, :policy, :seed, :settings, :run_id, :made_at) "
    "RETURNING nomination_id"
)
_FIND = statement("SELECT nomination_id FROM nominations WHERE digest = :digest")
_NOMINATIONS = statement(
    "SELECT n.nomination_id, n.teacher, n.backbone, n.policy, n.seed, n.settings, n.made_at, "
    "count(d.case_id) AS cases FROM nominations n LEFT JOIN nominated d USING (nomination_id) "
    "GROUP BY n.nomination_id ORDER BY n.nomination_id"
)
_CASES = statement(
    "SELECT c.case_id, c.teacher, c.user_ix, c.history, c.target_ix, c.candidates, c.difficulty "
    "FROM nominated d JOIN cases c USING (case_id) WHERE d.nomination_id = :nomination "
    "ORDER BY d.place"
)
_N_ITEMS = statement("SELECT count(*) FROM items")


@dataclass(frozen=True)
class Case:
    """A part of one user's training history, and what a teacher ranks first after it.

    Attributes
    ----------
    teacher
        Digest of the teacher's weights.
    user_ix
        Whose history it is.
    history
        ``item_ix`` of training interactions, the oldest first.
    target_ix
        The training interaction after them.
    candidates
        ``item_ix`` as the teacher ranks them, the best first; none of the history.
    difficulty
        Minus the mean consistency of the history with the teacher's view of it.
    case_id
        Number of its row; 0 before it has one.
    """

    teacher: str
    user_ix: int
    history: tuple[int, ...]
    target_ix: int
    candidates: tuple[int, ...]
    difficulty: float
    case_id: int = 0

    @property
    def digest(self) -> str:
        """Content address: the same case of two nominations is asked about once."""
        items = [list(self.history), self.target_ix, list(self.candidates)]
        return json_digest([self.teacher, self.user_ix, *items])

    @property
    def name(self) -> str:
        """What tasks call it: ``case:DIGEST12``."""
        return f"case:{self.digest[-12:]}"


@dataclass(frozen=True)
class Nomination:
    """A choice of cases, and how they were chosen.

    Attributes
    ----------
    teacher, backbone
        Digest of the teacher's weights, and what kind of model it is.
    policy, seed, settings
        How the cases were drawn: ``paper``, ``random``, …; settings as JSON.
    cases
        How many it has; those of forgotten users are gone.
    nomination_id, made_at
        Number of its row, and when it was made.
    """

    teacher: str
    backbone: str
    policy: str
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    cases: int = 0
    nomination_id: int = 0
    made_at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return {
            "nomination": self.nomination_id,
            "teacher": self.teacher,
            "backbone": self.backbone,
            "policy": self.policy,
            "seed": self.seed,
            "settings": dict(self.settings),
            "cases": self.cases,
            "made_at": self.made_at,
        }


class Cases:
    """Repository of nominations and of their cases."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def save(
        self,
        nomination: Nomination,
        cases: Sequence[Case],
        *,
        data: str,
        run_id: int | None = None,
    ) -> int:
        """Store a nomination; the same choice made again is not stored twice.

        Parameters
        ----------
        nomination
            How the cases were chosen.
        cases
            In the order in which they were drawn.
        data
            Digest of the data set that they are of.
        run_id
            The run that chose them.

        Returns
        -------
        int
            Number of the nomination.
        """
        settings = dict(nomination.settings)
        facts = [nomination.teacher, nomination.policy, nomination.seed, settings, data]
        digest = json_digest(facts)
        with self._db.write() as connection:
            known = connection.execute(_FIND, {"digest": digest}).scalar()
            if known is not None:
                return int(known)
            values = {
                "digest": digest,
                "teacher": nomination.teacher,
                "backbone": nomination.backbone,
                "policy": nomination.policy,
                "seed": nomination.seed,
                "settings": canonical_json(settings),
                "run_id": run_id,
                "made_at": now(),
            }
            number = int(connection.execute(_ADD, values).scalar_one())
            _add_cases(connection, number, cases)
            return number

    def nominations(self, *, examples: bool = False) -> list[Nomination]:
        """All nominations by number; those that only show a teacher's lists, where asked for."""
        with self._db.read() as connection:
            rows = connection.execute(_NOMINATIONS).all()
        return [
            Nomination(
                teacher=row.teacher,
                backbone=row.backbone,
                policy=row.policy,
                seed=row.seed,
                settings=parsed(
                    self._db.path, row.settings, f"settings of nomination {row[0]}", dict
                ),
                cases=row.cases,
                nomination_id=row.nomination_id,
                made_at=row.made_at,
            )
            for row in rows
            if examples or row.policy != EXAMPLES
        ]

    def load(self, nomination_id: int) -> list[Case]:
        """The cases of a nomination in the order in which they were drawn.

        Raises
        ------
        StoreError
            The store is damaged: a cell is no list of numbers of items.
        """
        with self._db.read() as connection:
            rows = connection.execute(_CASES, {"nomination": nomination_id}).all()
            n_items = int(connection.execute(_N_ITEMS).scalar_one())
        return [self._case(row, n_items) for row in rows]

    def _case(self, row: Row[Any], n_items: int) -> Case:
        return Case(
            teacher=row.teacher,
            user_ix=row.user_ix,
            history=self._items(row.history, n_items, f"history of case {row.case_id}"),
            target_ix=row.target_ix,
            candidates=self._items(row.candidates, n_items, f"candidates of case {row.case_id}"),
            difficulty=row.difficulty,
            case_id=row.case_id,
        )

    def _items(self, cell: str, n_items: int, what: str) -> tuple[int, ...]:
        numbers = [int(one) for one in parsed(self._db.path, cell, what)]
        refuse_out_of_range(self._db.path, np.array(numbers, dtype=np.int64), n_items, what)
        return tuple(numbers)


def check_cases(dataset: Dataset, cases: Iterable[Case]) -> None:
    """Check that histories and targets are training interactions of the cases' users.

    Raises
    ------
    LeakageError
        A case shows what the split hides, as where the store was split anew since.
    """
    for case in cases:
        seen = set(dataset.history(case.user_ix).tolist())
        foreign = [item for item in (*case.history, case.target_ix) if item not in seen]
        if foreign:
            raise LeakageError(
                f"{case.name} shows item {dataset.item_ids[foreign[0]]!r}, which the split "
                f"{dataset.split} does not give to training; nominate anew on this store"
            )


def _add_cases(connection: Connection, nomination: int, cases: Sequence[Case]) -> None:
    driver = driver_connection(connection)
    for place, case in enumerate(cases):
        row = (
            *(case.digest, case.teacher, case.user_ix, json.dumps(list(case.history))),
            *(case.target_ix, json.dumps(list(case.candidates)), case.difficulty),
        )
        driver.execute(_ADD_CASE, row)
        number = driver.execute(_CASE_NUMBER, (case.digest,)).fetchone()[0]
        driver.execute(_ADD_NOMINATED, (nomination, place, number))
