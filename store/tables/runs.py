"""Runs: one row for each command that wrote something, closed with how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from store.db.transactions import Transactions, now
from store.digests import canonical_json, json_digest
from store.errors import BudgetReachedError, InterruptedRunError

Status = Literal["done", "partial", "interrupted", "budget", "failed"]


@dataclass
class Run:
    """A run under way; what is set here is recorded when it ends.

    Attributes
    ----------
    run_id
        Number of its row.
    status
        ``done`` or ``partial``, should it end without an error.
    stats
        Counts worth keeping, as JSON.
    """

    run_id: int
    status: Status = "done"
    stats: dict[str, object] = field(default_factory=dict)


class Runs:
    """Repository of runs."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    @contextmanager
    def recording(
        self,
        kind: str,
        config: Mapping[str, Any],
        *,
        stats: Callable[[], Mapping[str, Any]] = dict,
    ) -> Iterator[Run]:
        """Open a run and close it with how the block ended, whatever ends it.

        Parameters
        ----------
        kind
            ``build``, ``retry``, ``requests``, ...
        config
            How it was called, as JSON; must hold no secret.
        stats
            Called at the end, also after an error: counts that join :attr:`Run.stats`.
        """
        run = Run(self.start(kind, config))
        try:
            yield run
        except BaseException as error:
            with suppress(SQLAlchemyError):  # what ended the run matters more than its row
                self.finish(run.run_id, _status_of(error), run.stats | dict(stats()))
            raise
        self.finish(run.run_id, run.status, run.stats | dict(stats()))

    def start(self, kind: str, config: Mapping[str, Any]) -> int:
        """Open a run and return its number; :meth:`recording` closes it, too."""
        query = text(
            "INSERT INTO runs (kind, config, config_digest, started_at) "
            "VALUES (:kind, :config, :digest, :started) RETURNING run_id"
        )
        values = {
            "kind": kind,
            "config": canonical_json(dict(config)),
            "digest": json_digest(dict(config)),
            "started": now(),
        }
        with self._db.write() as connection:
            return int(connection.execute(query, values).scalar_one())

    def finish(self, run_id: int, status: Status, stats: Mapping[str, Any]) -> None:
        """Close a run with its status and counts.

        Parameters
        ----------
        status
            How the run ended.
        stats
            Counts, stored as JSON.
        """
        query = text(
            "UPDATE runs SET status = :status, stats = :stats, finished_at = :finished "
            "WHERE run_id = :run_id"
        )
        values = {
            "run_id": run_id,
            "status": status,
            "stats": canonical_json(dict(stats)),
            "finished": now(),
        }
        with self._db.write() as connection:
            connection.execute(query, values)

    def config(self, run_id: int) -> dict[str, object]:
        """How a run was called."""
        query = text("SELECT config FROM runs WHERE run_id = :run_id")
        with self._db.read() as connection:
            config: str = connection.execute(query, {"run_id": run_id}).scalar_one()
        return dict(json.loads(config))

    def configs(self, kind: str) -> list[dict[str, object]]:
        """How runs of a kind were called, each way once, the newest first."""
        query = text(
            "SELECT config FROM runs WHERE kind = :kind GROUP BY config_digest "
            "ORDER BY max(run_id) DESC"
        )
        with self._db.read() as connection:
            return [json.loads(one) for one in connection.execute(query, {"kind": kind}).scalars()]


def _status_of(error: BaseException) -> Status:
    if isinstance(error, (InterruptedRunError, KeyboardInterrupt)):
        return "interrupted"
    return "budget" if isinstance(error, BudgetReachedError) else "failed"
