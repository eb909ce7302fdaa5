"""Whom LLM tasks other than interests ask about, with the state of each question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.tables.subjects import State

TaskKind = Literal["item", "user", "session", "model", "case"]
TASK_KINDS: tuple[TaskKind, ...] = get_args(TaskKind)

_LOAD = statement(
    "SELECT task_subject_id, task, kind, name, item_ix, user_ix, state, reason FROM task_subjects "
    "WHERE task = :task AND state IN :states ORDER BY task_subject_id",
    "states",
)
_COUNTS = statement("SELECT task, state, count(*) FROM task_subjects GROUP BY task, state")
_ADD = (
    "INSERT INTO task_subjects (task, kind, name, item_ix, user_ix) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (task, name) DO UPDATE SET item_ix = excluded.item_ix, "
    "user_ix = excluded.user_ix RETURNING task_subject_id"
)
_SET_STATE = "UPDATE task_subjects SET state = ?, reason = ? WHERE task_subject_id = ?"
_SET_ASIDE = statement(
    "UPDATE responses SET outcome = 'set_aside' WHERE outcome NOT IN ('ok', 'set_aside', 'unread') "
    "AND prompt_digest IN (SELECT digest FROM prompts WHERE template = :template)"
)
_ADD_USER = "INSERT OR IGNORE INTO task_subject_users (task_subject_id, user_ix) VALUES (?, ?)"
_SET_ASIDE_FAILED = statement(
    "UPDATE responses SET outcome = 'set_aside' WHERE outcome NOT IN ('ok', 'set_aside', 'unread') "
    "AND task_subject_id IN (SELECT task_subject_id FROM task_subjects "
    "WHERE task = :task AND state = 'quarantined')"
)
_PENDING_AGAIN = statement(
    "UPDATE task_subjects SET state = 'pending', reason = NULL "
    "WHERE task = :task AND state = 'quarantined'"
)
# An answer that is found again may quote words that a later answer repeats: those are not its
# parent.
_ADD_PARENT = (
    "INSERT OR IGNORE INTO answer_parents (response_id, parent_id) SELECT ?1, ?2 WHERE ?2 < ?1"
)
_PARENTS = statement(
    "SELECT parent_id FROM answer_parents WHERE response_id = :response ORDER BY parent_id"
)


@dataclass(frozen=True)
class TaskSubject:
    """Whom a task asks about.

    Attributes
    ----------
    task, kind, name
        ``cards``, ``item``, ``item:ITEM_ID``; a name is a task's only once.
    item_ix, user_ix
        The item it is; the user whose history it is made of, so that forgetting finds it.
    state, reason
        ``pending``, ``ok`` or ``quarantined``, and why it is quarantined.
    task_subject_id
        Number of its row; 0 before it has one.
    """

    task: str
    kind: TaskKind
    name: str
    item_ix: int | None = None
    user_ix: int | None = None
    state: State = "pending"
    reason: str | None = None
    task_subject_id: int = 0


class TaskSubjects:
    """Repository of the subjects of tasks, and of the answers that answers follow from."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def add(self, subjects: Iterable[TaskSubject]) -> list[int]:
        """Add subjects that are not there yet, as pending; return the numbers of all, in order."""
        with self._db.write() as connection:
            driver = driver_connection(connection)
            return [
                int(
                    driver.execute(_ADD, (s.task, s.kind, s.name, s.item_ix, s.user_ix)).fetchone()[
                        0
                    ]
                )
                for s in subjects
            ]

    def load(
        self, task: str, states: Sequence[State] = ("pending", "ok", "quarantined")
    ) -> list[TaskSubject]:
        """Subjects of a task in the given states, by number."""
        with self._db.read() as connection:
            rows = connection.execute(_LOAD, {"task": task, "states": list(states)}).mappings()
            return [TaskSubject(**row) for row in rows]

    def set_states(self, numbers: Sequence[int], state: State, reason: str | None = None) -> None:
        """Record how asking about some subjects ended."""
        with self._db.write() as connection:
            rows = [(state, reason, number) for number in numbers]
            driver_connection(connection).executemany(_SET_STATE, rows)

    def add_users(self, number: int, users: Iterable[int]) -> None:
        """Record users whose histories a question shows beside the one it is about.

        Forgetting any of them takes the answer, and all that was made of it.
        """
        with self._db.write() as connection:
            rows = [(number, int(user)) for user in users]
            driver_connection(connection).executemany(_ADD_USER, rows)

    def counts(self) -> dict[str, dict[State, int]]:
        """Subjects by task and state."""
        result: dict[str, dict[State, int]] = {}
        with self._db.read() as connection:
            for task, state, number in connection.execute(_COUNTS):
                result.setdefault(task, {})[state] = number
        return result

    def set_aside(self, template: str) -> int:
        """Keep, but no longer use, answers to a template that were read and not accepted.

        After that the same requests are sent again. Returns how many answers were set aside.
        """
        with self._db.write() as connection:
            return connection.execute(_SET_ASIDE, {"template": template}).rowcount

    def retry(self, task: str) -> int:
        """Make the quarantined subjects of a task pending, and set their unusable answers aside.

        After that the same requests are sent again. Returns how many subjects these were.
        """
        with self._db.write() as connection:
            connection.execute(_SET_ASIDE_FAILED, {"task": task})
            return connection.execute(_PENDING_AGAIN, {"task": task}).rowcount

    def add_parents(self, response_id: int, parents: Iterable[int]) -> None:
        """Record the answers that a question quoted or went on from, by number.

        A later answer is none of them: then the same question was answered for another reason.
        """
        with self._db.write() as connection:
            driver_connection(connection).executemany(
                _ADD_PARENT, [(response_id, one) for one in parents if one < response_id]
            )

    def parents(self, response_id: int) -> list[int]:
        """Numbers of the answers that an answer's question follows from, ascending."""
        with self._db.read() as connection:
            return list(connection.execute(_PARENTS, {"response": response_id}).scalars())
