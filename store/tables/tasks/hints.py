"""Hints that a question may carry, and how good answers were with each and without one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions, now
from store.digests import text_digest

Purpose = Literal["ranking", "profiling"]
Status = Literal["mends", "active", "redundant", "ineffective", "leaking", "surplus", "dropped"]
STATUSES: tuple[Status, ...] = get_args(Status)
PERSON, BUILT_IN = "person", "built-in"

_ADD = (
    "INSERT INTO hints (purpose, text, status, reason, near_id, pinned, source, task_subject_id, "
    "response_id, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING hint_id"
)
_LOAD = statement(
    "SELECT h.hint_id, h.purpose, h.text, h.status, h.reason, h.near_id, h.pinned, h.source, "
    "h.task_subject_id, h.response_id, t.name AS learned_from FROM hints h "
    "LEFT JOIN task_subjects t USING (task_subject_id) "
    "WHERE h.purpose = :purpose AND h.status IN :statuses ORDER BY h.hint_id",
    "statuses",
)
_SET_STATUS = statement(
    "UPDATE hints SET status = :status, reason = :reason, near_id = :near WHERE hint_id = :hint"
)
_OF_ANSWER = statement("SELECT count(*) FROM hints WHERE response_id = :response")
_DROP_TRIAL = (
    "DELETE FROM hint_trials WHERE coalesce(hint_id, -1) = coalesce(?, -1) "
    "AND task_subject_id = ? AND source = ?"
)
_ADD_TRIAL = (
    "INSERT INTO hint_trials (hint_id, task_subject_id, source, text_digest, rank, score, "
    "template_digest, response_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_TRIALS = statement(
    "SELECT r.hint_id, s.name AS subject, r.task_subject_id, r.source, r.text_digest, r.rank, "
    "r.score, r.template_digest, r.response_id FROM hint_trials r "
    "JOIN task_subjects s USING (task_subject_id) "
    "WHERE s.task = :task AND (:source IS NULL OR r.source = :source) ORDER BY r.trial_id"
)


@dataclass(frozen=True)
class Hint:
    """A sentence of advice that a question may carry.

    Attributes
    ----------
    purpose
        ``ranking``: for a model that puts candidates in order; ``profiling``: for one that writes
        interests.
    text
        The sentence.
    status
        ``active``: in use. ``mends``: it mended its case and was not yet compared with the others.
        ``redundant``, ``ineffective``, ``leaking`` (it names an item), ``surplus`` (the base was
        full), ``dropped`` (by a person): kept as a record only.
    source
        ``offline``, the model's name, ``built-in`` or ``person``.
    reason
        Why it is not in use.
    near_id
        The hint that it repeats.
    pinned
        Whether it stays in the base whatever else is learned.
    task_subject_id, learned_from
        The case that it was learned from; its number and its name.
    response_id
        The answer that it was read from.
    hint_id
        Number of its row; 0 before it has one.
    """

    purpose: Purpose
    text: str
    status: Status
    source: str
    reason: str | None = None
    near_id: int | None = None
    pinned: bool = False
    task_subject_id: int | None = None
    response_id: int | None = None
    hint_id: int = 0
    learned_from: str | None = None

    @property
    def text_digest(self) -> str:
        """Address of its words."""
        return text_digest(self.text)


@dataclass(frozen=True)
class Trial:
    """How good the answer to one question was with a hint, or without one.

    Attributes
    ----------
    hint_id
        None: asked without a hint.
    task_subject_id, subject
        The case; its number and its name.
    source
        Who was asked.
    text_digest
        Of the hint as it was asked with; empty without one. A hint that was edited since is
        another.
    rank
        Of the target, 1 the first; None where it is not in the answer, or there is none.
    score
        NDCG of a ranking, or held-in prediction of a profile.
    template_digest, response_id
        The question and its answer.
    """

    hint_id: int | None
    task_subject_id: int
    source: str
    text_digest: str
    rank: int | None
    score: float
    template_digest: str
    response_id: int
    subject: str = ""


class Hints:
    """Repository of hints and their trials."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def add(self, hints: Iterable[Hint]) -> list[int]:
        """Store hints as new ones; return their numbers."""
        with self._db.write() as connection:
            driver = driver_connection(connection)
            made_at = now()
            return [
                int(
                    driver.execute(
                        _ADD,
                        (
                            *(one.purpose, one.text, one.status, one.reason, one.near_id),
                            *(int(one.pinned), one.source, one.task_subject_id),
                            *(one.response_id, made_at),
                        ),
                    ).fetchone()[0]
                )
                for one in hints
            ]

    def load(self, purpose: Purpose, statuses: Sequence[Status] = STATUSES) -> list[Hint]:
        """Hints of a purpose in the given states, in the order in which they came."""
        with self._db.read() as connection:
            bound = {"purpose": purpose, "statuses": list(statuses)}
            rows = connection.execute(_LOAD, bound).mappings()
            return [Hint(**{**row, "pinned": bool(row["pinned"])}) for row in rows]

    def set_status(
        self, hint_id: int, status: Status, reason: str | None = None, near: int | None = None
    ) -> None:
        """Record whether a hint is in use, and why it is not."""
        bound = {"hint": hint_id, "status": status, "reason": reason, "near": near}
        with self._db.write() as connection:
            connection.execute(_SET_STATUS, bound)

    def has_answer(self, response_id: int) -> bool:
        """Whether the hints of an answer are stored."""
        with self._db.read() as connection:
            found = connection.execute(_OF_ANSWER, {"response": response_id}).scalar_one()
        return bool(found)

    def save_trials(self, trials: Iterable[Trial]) -> None:
        """Store trials, each in place of the one that its hint, case and model had."""
        rows = list(trials)
        with self._db.write() as connection:
            driver = driver_connection(connection)
            driver.executemany(
                _DROP_TRIAL, [(one.hint_id, one.task_subject_id, one.source) for one in rows]
            )
            driver.executemany(
                _ADD_TRIAL,
                [
                    (
                        *(one.hint_id, one.task_subject_id, one.source, one.text_digest),
                        *(one.rank, one.score, one.template_digest, one.response_id),
                    )
                    for one in rows
                ],
            )

    def trials(self, task: str, source: str | None = None) -> list[Trial]:
        """Trials of a task in the order in which they came; of one model where it is named."""
        with self._db.read() as connection:
            rows = connection.execute(_TRIALS, {"task": task, "source": source}).mappings()
            return [Trial(**row) for row in rows]
