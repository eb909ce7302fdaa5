"""What a provider's batch brought, stored in one step and then read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from profiler.asking.ledger.records import received
from profiler.exchange.batch_options import BatchOptions, settle, unanswerable
from profiler.exchange.batch_rows import Arrived, Failed, read_row
from profiler.exchange.batches import asked_of, options_of_run
from profiler.llm.adapters.reading import UNREADABLE
from profiler.llm.prices import Prices
from store.store import Store
from store.tables.batches import Batch, BatchRow

TRIES = 3
"""Batches that may leave a question without an answer before its subject is quarantined."""


@dataclass
class Fetched:
    """What a look at the batches brought.

    Attributes
    ----------
    answered, failed, unknown
        Rows with an answer, without one, and of questions that the store does not have (any more).
    reasons
        Why there was no answer, with how often.
    under_way, ended
        Batches that the provider is still at, and those that are fetched now.
    cost_usd, unpriced
        Known cost of the answers; answers of unknown cost.
    """

    answered: int = 0
    failed: int = 0
    unknown: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    ended: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0


def keep(
    store: Store,
    batch: Batch,
    rows: Sequence[Any],
    problem: str | None,
    prices: Prices,
    found: Fetched,
) -> None:
    """Store all that came of a batch in one step, then read the answers.

    Parameters
    ----------
    store, batch
        The batch, which has ended at the provider.
    rows
        The provider's rows.
    problem
        Why the whole batch failed, None where it did not.
    prices
        At the address of the service.
    found
        Where it is counted.
    """
    options = options_of_run(store, batch.run_id)
    waiting = {
        address: row
        for address, row in store.batches.rows(batch.batch_id).items()
        if row.outcome == "out"
    }
    with store.write():
        for row in rows:
            arrived = _read(row)
            asked = None if arrived is None else waiting.pop(arrived.address, None)
            if arrived is None or asked is None:
                found.unknown += 1
            elif isinstance(arrived, Failed):
                _fail(store, batch, asked, options, arrived, found)
            else:
                _store(store, batch, asked.attempt_id, arrived, options, prices, found)
        for address, asked in waiting.items():
            lost = Failed(address, "errored", problem or "the provider sent nothing back")
            _fail(store, batch, asked, options, lost, found)
        store.batches.end(batch.batch_id)
    found.ended += 1
    settle(store, options, set(store.batches.rows(batch.batch_id)))


def _read(row: Any) -> Arrived | Failed | None:
    try:
        return read_row(row)
    except (*UNREADABLE, RecursionError):
        return None


def _store(
    store: Store,
    batch: Batch,
    attempt_id: int,
    arrived: Arrived,
    options: BatchOptions,
    prices: Prices,
    found: Fetched,
) -> None:
    question = store.questions.find(arrived.address)
    if question is None:
        found.unknown += 1
        return
    response = received(
        asked_of(question, options),
        arrived.reply,
        run_id=batch.run_id,
        prices=prices,
        method="batch",
        batch=True,
    )
    store.responses.close_answered(attempt_id, response, owner=batch.owner)
    store.batches.settle(batch.batch_id, arrived.address, "answered")
    found.answered += 1
    found.cost_usd += response.cost_usd or 0.0
    found.unpriced += response.cost_usd is None


def _fail(
    store: Store,
    batch: Batch,
    asked: BatchRow,
    options: BatchOptions,
    failed: Failed,
    found: Fetched,
) -> None:
    """Record that a question got no answer; after three times, or a refusal, nobody asks again."""
    store.responses.close_failed(asked.attempt_id, failed.outcome, error=failed.reason, free=True)
    store.batches.settle(batch.batch_id, failed.address, failed.outcome)
    found.failed += 1
    found.reasons[failed.reason] += 1
    if not failed.final and store.batches.failed_before(failed.address) < TRIES:
        return
    reason = f"{failed.outcome}: {failed.reason}"
    if asked.subject_id is None:
        unanswerable(store, options, failed.address, reason)
    else:
        store.subjects.set_state(asked.subject_id, "quarantined", reason)
