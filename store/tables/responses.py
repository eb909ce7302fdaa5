"""Prompts, paid answers, and the ledger of attempts.

A response is committed before anything reads it and is found again by the digest of what was sent.
A call is opened before it is sent: in one transaction it looks for an answer already stored, takes
the lease, and enters the attempt with what it may cost. So nothing is paid twice and nothing is
sent that the ledger does not know of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, text

from store.db.driver import driver_connection
from store.db.transactions import Transactions, now
from store.digests import canonical_json
from store.tables import leases
from store.tables.ledger import (
    FORGOTTEN,
    AnswerBehind,
    NewAttempt,
    NewResponse,
    Outcome,
    Spent,
    StoredResponse,
    Ticket,
)
from store.tables.ledger_account import Account
from store.tables.questions import add_prompt

_FOUND = (
    "SELECT response_id, request_digest, subject_id, model, method, raw_text, refusal, "
    "finish_reason, tokens_in, tokens_out, cost_usd, outcome FROM responses "
)
_ADD = (
    "INSERT INTO responses (request_digest, prompt_digest, subject_id, run_id, "
    "model, base_url, method, params, shown, raw_text, refusal, finish_reason, "
    "tokens_in, tokens_out, cost_usd, latency_s, created_at, task_subject_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING response_id"
)
_SPENT = (
    "SELECT count(*), coalesce(sum(CASE WHEN tokens_in IS NULL AND tokens_out IS NULL "
    "THEN reserved_tokens ELSE coalesce(tokens_in, 0) + coalesce(tokens_out, 0) END), 0), "
    "coalesce(sum(CASE WHEN cost_usd IS NULL THEN reserved_usd ELSE cost_usd END), 0.0), "
    "coalesce(sum(outcome = 'answered' AND cost_usd IS NULL), 0) "
    "FROM attempts WHERE (?1 IS NULL OR run_id = ?1) AND purpose <> 'offline'"
)
_ADD_REASONING = "INSERT INTO reasoning (response_id, reasoning) VALUES (?, ?)"


class Responses:
    """Repository of prompts, responses, attempts and leases."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions
        self._account = Account()

    def _row(self, query: str, value: int | str | None) -> Any:
        """First row that a query with one value finds, None if there is none."""
        with self._db.read() as connection:
            return driver_connection(connection).execute(query, (value,)).fetchone()

    def recount(self) -> None:
        """Sum the ledger anew at the next look: a transaction was rolled back."""
        self._account.reset()

    def find(self, request_digest: str) -> StoredResponse | None:
        """Return the newest answer to exactly this request, None if there is none in use."""
        row = self._row(
            _FOUND + "WHERE request_digest = ? AND outcome <> 'set_aside' "
            "ORDER BY response_id DESC LIMIT 1",
            request_digest,
        )
        return None if row is None else StoredResponse(*row)

    def digests(self) -> set[str]:
        """Return the addresses of all requests with an answer in use."""
        with self._db.read() as connection:
            rows = driver_connection(connection).execute(
                "SELECT request_digest FROM responses WHERE outcome <> 'set_aside'"
            )
            return {row[0] for row in rows}

    def template_digests(self) -> set[str]:
        """Return the addresses of the templates that stored prompts were made from."""
        with self._db.read() as connection:
            rows = driver_connection(connection).execute(
                "SELECT DISTINCT template_digest FROM prompts"
            )
            return {row[0] for row in rows}

    def get(self, response_id: int) -> StoredResponse | None:
        """Return one answer by its number."""
        row = self._row(_FOUND + "WHERE response_id = ?", response_id)
        return None if row is None else StoredResponse(*row)

    def reasoning(self, response_id: int) -> str | None:
        """Return what the model thought before an answer, None where its service told nothing."""
        row = self._row("SELECT reasoning FROM reasoning WHERE response_id = ?", response_id)
        return None if row is None else str(row[0])

    def behind_interests(self) -> dict[int, AnswerBehind]:
        """Return the newest answer behind the interests of each subject that was answered."""
        with self._db.read() as connection:
            rows = driver_connection(connection).execute(
                "SELECT n.subject_id, max(r.response_id), r.request_digest, r.base_url, "
                "r.created_at "
                "FROM interests n JOIN responses r USING (response_id) GROUP BY n.subject_id"
            )
            return {row[0]: AnswerBehind(*row[1:]) for row in rows}

    def failures(self) -> dict[str, str]:
        """Return when each question first failed, by address: no usable answer, or none at all.

        Calls that were stopped, or that were only worded in a way the service does not take, are no
        failures of the question.
        """
        with self._db.read() as connection:
            rows = driver_connection(connection).execute(
                "SELECT request_digest, min(at) FROM (SELECT request_digest, created_at AS at "
                "FROM responses WHERE outcome NOT IN ('ok', 'unread') UNION ALL "
                "SELECT request_digest, started_at FROM attempts WHERE response_id IS NULL "
                "AND outcome NOT IN ('sent', 'interrupted', 'unsupported')) GROUP BY request_digest"
            )
            return dict(rows.fetchall())

    def add(self, response: NewResponse) -> int:
        """Store an answer and its prompt, still unread; return its number."""
        prompt_digest = None if response.prompt is None else response.prompt.digest
        values = (
            response.request_digest,
            prompt_digest,
            response.subject_id,
            response.run_id,
            response.model,
            response.base_url,
            response.method,
            canonical_json(dict(response.params)),
            canonical_json([int(item) for item in response.shown]),
            response.raw_text,
            response.refusal,
            response.finish_reason,
            response.tokens_in,
            response.tokens_out,
            response.cost_usd,
            response.latency_s,
            now(),
            response.task_subject_id,
        )
        with self._db.write() as connection:
            if response.prompt is not None and prompt_digest is not None:
                add_prompt(driver_connection(connection), prompt_digest, response.prompt)
            driver = driver_connection(connection)
            response_id = int(driver.execute(_ADD, values).fetchone()[0])
            if response.reasoning:
                driver.execute(_ADD_REASONING, (response_id, response.reasoning))
            return response_id

    def settle(self, response_id: int, outcome: Outcome, detail: Mapping[str, Any]) -> None:
        """Record how reading an answer ended: mends and repairs, or what was wrong."""
        with self._db.write() as connection:
            driver_connection(connection).execute(
                "UPDATE responses SET outcome = ?, detail = ? WHERE response_id = ?",
                (outcome, canonical_json(dict(detail)), response_id),
            )

    def set_aside(self, subject_ids: Sequence[int]) -> int:
        """Keep, but no longer use, the answers of these subjects that were read and not accepted.

        After that the same requests are sent again. Returns how many answers were set aside.
        """
        query = text(
            "UPDATE responses SET outcome = 'set_aside' WHERE outcome NOT IN ('ok', 'set_aside', "
            "'unread') AND subject_id IN :subjects"
        ).bindparams(bindparam("subjects", expanding=True))
        with self._db.write() as connection:
            return connection.execute(query, {"subjects": list(subject_ids)}).rowcount

    def open_call(
        self,
        attempt: NewAttempt,
        *,
        owner: str,
        clock: float,
        lease_s: float,
        refuse: Callable[[Spent], str | None] | None = None,
    ) -> Ticket:
        """Enter a call in the ledger before it is sent, unless it need not or must not be made.

        Parameters
        ----------
        attempt
            The call and what it may cost.
        owner
            From :func:`store.leases.owner_name`.
        clock, lease_s
            Unix seconds now; how long the lease lasts.
        refuse
            Why the call does not fit with what all processes have spent, None if it does. Asked in
            the same transaction, so that two processes cannot both take the last of a cap.
        """
        with self._db.write() as connection:
            if _is_gone(connection, attempt):
                return Ticket(forgotten=True)
            answer = self.find(attempt.request_digest)
            if answer is not None:
                return Ticket(answer=answer)
            reason = refuse(self._account.look(driver_connection(connection))) if refuse else None
            if reason is not None:
                return Ticket(refused=reason, others=leases.others(connection, owner, clock))
            expires = clock + lease_s
            if not leases.claim(connection, attempt.request_digest, owner, clock, expires):
                return Ticket()
            row = (
                driver_connection(connection)
                .execute(
                    "INSERT INTO attempts (request_digest, subject_id, run_id, purpose, "
                    "reserved_usd, reserved_tokens, started_at, task_subject_id) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
                    "RETURNING attempt_id",
                    (
                        attempt.request_digest,
                        attempt.subject_id,
                        attempt.run_id,
                        attempt.purpose,
                        attempt.reserved_usd,
                        attempt.reserved_tokens,
                        now(),
                        attempt.task_subject_id,
                    ),
                )
                .fetchone()
            )
        return Ticket(attempt_id=int(row[0]))

    def close_answered(self, attempt_id: int, response: NewResponse, *, owner: str) -> int | None:
        """Store the answer of a call, settle its attempt and give back its lease, in one step.

        None where whoever was asked about was forgotten meanwhile: then only the ledger knows that
        the call was made and what it cost. Else the number of the response.
        """
        with self._db.write() as connection:
            gone = _is_forgotten(connection, attempt_id) or _is_gone(connection, response)
            response_id = None if gone else self.add(response)
            driver_connection(connection).execute(
                "UPDATE attempts SET outcome = 'answered', status_code = 200, response_id = ?, "
                "tokens_in = ?, tokens_out = ?, cost_usd = ?, latency_s = ? WHERE attempt_id = ?",
                (
                    response_id,
                    response.tokens_in,
                    response.tokens_out,
                    response.cost_usd,
                    response.latency_s,
                    attempt_id,
                ),
            )
            leases.release(connection, owner, response.request_digest)
        return response_id

    def close_failed(
        self,
        attempt_id: int,
        outcome: str,
        *,
        error: str,
        status_code: int | None = None,
        free: bool = False,
        latency_s: float | None = None,
    ) -> None:
        """Record that a call brought no answer; ``free`` means it was surely not billed.

        Parameters
        ----------
        attempt_id
            From the ticket of :meth:`open_call`.
        outcome
            A word of the ledger, such as ``timeout``.
        error
            What happened; it is not stored where the user was forgotten meanwhile.
        status_code
            HTTP status, where there was one.
        free
            The call was surely not billed; otherwise its reservation counts as spent.
        """
        nothing = 0 if free else None
        with self._db.write() as connection:
            driver_connection(connection).execute(
                "UPDATE attempts SET outcome = ?, status_code = ?, tokens_in = ?, tokens_out = ?, "
                "cost_usd = ?, latency_s = ?, error = CASE WHEN request_digest = ? THEN NULL "
                "ELSE ? END WHERE attempt_id = ?",
                (
                    *(outcome, status_code, nothing, nothing, nothing, latency_s),
                    *(FORGOTTEN, error, attempt_id),
                ),
            )

    def withdraw(self, attempt_id: int) -> None:
        """Take back a call that was entered but never sent, and its lease."""
        with self._db.write() as connection:
            driver = driver_connection(connection)
            withdrawn = driver.execute(
                "DELETE FROM attempts WHERE attempt_id = ? RETURNING request_digest", (attempt_id,)
            ).fetchall()
            driver.executemany("DELETE FROM leases WHERE request_digest = ?", withdrawn)

    def release(self, owner: str, request_digest: str | None = None) -> None:
        """Give back one lease of ``owner``, or all."""
        with self._db.write() as connection:
            leases.release(connection, owner, request_digest)

    def renew(self, owner: str, expires_at: float) -> None:
        """Put off the expiry of all leases of ``owner`` (unix seconds)."""
        with self._db.write() as connection:
            leases.renew(connection, owner, expires_at)

    def spent(self, run_id: int | None = None) -> Spent:
        """Sums of the ledger, of one run or of all; the extractor's calls are none."""
        row = self._row(_SPENT, run_id)
        return Spent(int(row[0]), int(row[1]), float(row[2]), int(row[3]))


def _is_gone(connection: Connection, about: NewAttempt | NewResponse) -> bool:
    """Whether whoever a call is about has no row any more."""
    driver = driver_connection(connection)
    for query, number in (
        ("SELECT 1 FROM subjects WHERE subject_id = ?", about.subject_id),
        ("SELECT 1 FROM task_subjects WHERE task_subject_id = ?", about.task_subject_id),
    ):
        if number is not None and driver.execute(query, (number,)).fetchone() is None:
            return True
    return False


def _is_forgotten(connection: Connection, attempt_id: int) -> bool:
    """Whether ``forget`` took the question away while it was being answered."""
    query = "SELECT request_digest FROM attempts WHERE attempt_id = ?"
    row = driver_connection(connection).execute(query, (attempt_id,)).fetchone()
    return row is not None and row[0] == FORGOTTEN
