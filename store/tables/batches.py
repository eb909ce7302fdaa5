"""Batches handed to a provider's batch service, and their questions, each with its ledger row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row

from store.db.statements import statement
from store.db.transactions import Transactions, now

_BATCHES = statement(
    "SELECT batch_id, name, run_id, model, base_url, owner, provider_id, state, requests, made_at "
    "FROM batches ORDER BY batch_id"
)
_ADD = statement(
    "INSERT INTO batches (name, run_id, model, base_url, owner, requests, made_at) "
    "VALUES (:name, :run_id, :model, :base_url, :owner, :requests, :made_at) RETURNING batch_id"
)
_ATTEMPT = statement(
    "INSERT INTO attempts (request_digest, subject_id, task_subject_id, run_id, purpose, "
    "reserved_usd, reserved_tokens, started_at) VALUES (:digest, :subject_id, :task_subject_id, "
    ":run_id, 'ask', :usd, :tokens, :at) RETURNING attempt_id"
)
_ADD_ROW = statement(
    "INSERT INTO batch_rows (batch_id, request_digest, subject_id, task_subject_id, attempt_id) "
    "VALUES (:batch_id, :digest, :subject_id, :task_subject_id, :attempt_id)"
)
_ROWS = statement(
    "SELECT request_digest, subject_id, attempt_id, outcome FROM batch_rows "
    "WHERE batch_id = :batch_id"
)
_SUBJECTS_OUT = statement(
    "SELECT DISTINCT r.subject_id FROM batch_rows r JOIN batches b USING (batch_id) "
    "WHERE r.outcome = 'out' AND b.state IN ('sending', 'held', 'sent') "
    "AND r.subject_id IS NOT NULL"
)
_REQUESTS_OUT = statement(
    "SELECT r.request_digest FROM batch_rows r JOIN batches b USING (batch_id) "
    "WHERE r.outcome = 'out' AND b.state IN ('sending', 'held', 'sent')"
)
_FAILED_BEFORE = statement(
    "SELECT count(*) FROM batch_rows WHERE request_digest = :digest "
    "AND outcome IN ('errored', 'expired')"
)
_SENT = statement(
    "UPDATE batches SET state = 'sent', provider_id = :provider_id WHERE batch_id = :batch_id"
)
_STATE = statement("UPDATE batches SET state = :state WHERE batch_id = :batch_id")
_UNBILLED = statement(
    "UPDATE attempts SET outcome = :outcome, tokens_in = 0, tokens_out = 0, cost_usd = 0 "
    "WHERE attempt_id IN (SELECT attempt_id FROM batch_rows WHERE batch_id = :batch_id) "
    "AND outcome = 'sent'"
)
_MAYBE_BILLED = statement(
    "UPDATE attempts SET outcome = :outcome "
    "WHERE attempt_id IN (SELECT attempt_id FROM batch_rows WHERE batch_id = :batch_id) "
    "AND outcome = 'sent'"
)
_GIVEN_UP = statement(
    "UPDATE batch_rows SET outcome = :outcome WHERE batch_id = :batch_id AND outcome = 'out'"
)
_SETTLE = statement(
    "UPDATE batch_rows SET outcome = :outcome "
    "WHERE batch_id = :batch_id AND request_digest = :digest"
)


@dataclass(frozen=True)
class Batch:
    """One batch as it stands; ``provider_id`` is None until the provider's answer is stored."""

    batch_id: int
    name: str
    run_id: int
    model: str
    base_url: str | None
    owner: str
    provider_id: str | None
    state: str
    requests: int
    made_at: str


@dataclass(frozen=True)
class BatchRow:
    """One question of a batch, with its row of the ledger."""

    request_digest: str
    subject_id: int | None
    attempt_id: int
    outcome: str


@dataclass(frozen=True)
class NewRow:
    """A question about to be sent, with the most it is expected to take."""

    request_digest: str
    subject_id: int | None
    usd: float
    tokens: int
    task_subject_id: int | None = None


class Batches:
    """Repository of batches."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def plan(
        self,
        name: str,
        rows: Sequence[NewRow],
        *,
        run_id: int,
        model: str,
        base_url: str | None,
        owner: str,
    ) -> int:
        """Enter a batch and what it may cost before it is sent; return its number.

        Parameters
        ----------
        name
            Ours, sent along where the provider takes one.
        rows
            The questions.
        run_id
            The run that asks.
        model, base_url
            ``PROVIDER:MODEL`` and the address of the service.
        owner
            From :func:`store.tables.leases.owner_name`.
        """
        at = now()
        with self._db.write() as connection:
            values = {"name": name, "run_id": run_id, "model": model, "base_url": base_url}
            values |= {"owner": owner, "requests": len(rows), "made_at": at}
            batch_id = int(connection.execute(_ADD, values).scalar_one())
            for row in rows:
                asked: dict[str, object] = {
                    "digest": row.request_digest,
                    "subject_id": row.subject_id,
                    "task_subject_id": row.task_subject_id,
                }
                cost = {"run_id": run_id, "usd": row.usd, "tokens": row.tokens, "at": at}
                attempt = connection.execute(_ATTEMPT, asked | cost).scalar_one()
                connection.execute(
                    _ADD_ROW, asked | {"batch_id": batch_id, "attempt_id": int(attempt)}
                )
        return batch_id

    def sent(self, batch_id: int, provider_id: str) -> None:
        """Record that a batch arrived, and what the provider calls it."""
        with self._db.write() as connection:
            connection.execute(_SENT, {"batch_id": batch_id, "provider_id": provider_id})

    def hold(self, batch_id: int) -> None:
        """Record that nobody knows whether a batch arrived: the user decides."""
        self._put(batch_id, "held")

    def end(self, batch_id: int) -> None:
        """Record that everything of a batch has been fetched."""
        self._put(batch_id, "ended")

    def drop(self, batch_id: int, outcome: str, *, free: bool) -> None:
        """Give a batch up: its questions may be asked again.

        Parameters
        ----------
        outcome
            What becomes of its questions: ``canceled`` or ``errored``.
        free
            Whether it was surely not billed; else it counts as reserved.
        """
        values = {"batch_id": batch_id, "outcome": outcome}
        with self._db.write() as connection:
            connection.execute(_UNBILLED if free else _MAYBE_BILLED, values)
            connection.execute(_GIVEN_UP, values)
            self._put(batch_id, "dropped")

    def settle(self, batch_id: int, request_digest: str, outcome: str) -> None:
        """Record what became of one question."""
        values = {"outcome": outcome, "batch_id": batch_id, "digest": request_digest}
        with self._db.write() as connection:
            connection.execute(_SETTLE, values)

    def all(self) -> list[Batch]:
        """Return every batch, the oldest first."""
        with self._db.read() as connection:
            return [Batch(**row._mapping) for row in connection.execute(_BATCHES)]

    def rows(self, batch_id: int) -> dict[str, BatchRow]:
        """Return the questions of a batch by their address."""
        with self._db.read() as connection:
            found: Sequence[Row[tuple[str, int, int, str]]] = connection.execute(
                _ROWS, {"batch_id": batch_id}
            ).all()
        return {row.request_digest: BatchRow(**row._mapping) for row in found}

    def subjects_out(self) -> set[int]:
        """Return the subjects whose question is with a provider now."""
        with self._db.read() as connection:
            return set(connection.execute(_SUBJECTS_OUT).scalars())

    def requests_out(self) -> set[str]:
        """Return the addresses of the questions that are with a provider now."""
        with self._db.read() as connection:
            return set(connection.execute(_REQUESTS_OUT).scalars())

    def failed_before(self, request_digest: str) -> int:
        """Return how often batches have brought no answer to a question."""
        with self._db.read() as connection:
            return int(connection.execute(_FAILED_BEFORE, {"digest": request_digest}).scalar_one())

    def _put(self, batch_id: int, state: str) -> None:
        with self._db.write() as connection:
            connection.execute(_STATE, {"batch_id": batch_id, "state": state})
