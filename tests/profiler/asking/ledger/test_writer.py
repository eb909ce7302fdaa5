"""The writer: durable when it returns, together under load, one failure not another's."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from profiler.asking.ledger.writer import Writer
from store.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db", create=True) as opened:
        yield opened


def test_a_job_is_committed_when_its_await_returns(store: Store, tmp_path: Path) -> None:
    async def run() -> None:
        async with Writer(store) as writer:
            await writer.do(lambda: store.set_meta(fact=1))
            with open_store(tmp_path / "a.db") as other:
                assert other.meta("fact") == 1

    asyncio.run(run())


def test_many_jobs_share_few_commits(store: Store) -> None:
    commits: list[int] = []

    async def run() -> list[int]:
        async with Writer(store) as writer:
            event.listen(store.engine, "commit", lambda _: commits.append(1))
            return await asyncio.gather(*(writer.do(lambda n=n: n) for n in range(500)))

    assert asyncio.run(run()) == list(range(500))
    assert len(commits) < 100


def test_a_job_that_fails_fails_alone(store: Store) -> None:
    def job(number: int) -> int:
        store.set_meta(**{f"fact{number}": number})
        if number % 7 == 3:
            raise ValueError(f"number {number}")
        return number

    async def run() -> list[object]:
        async with Writer(store) as writer:
            return await asyncio.gather(
                *(writer.do(lambda n=n: job(n)) for n in range(50)), return_exceptions=True
            )

    results = asyncio.run(run())
    for number, result in enumerate(results):
        if number % 7 == 3:
            assert isinstance(result, ValueError)
            assert store.meta(f"fact{number}") is None
        else:
            assert result == number
            assert store.meta(f"fact{number}") == number


def test_leaving_waits_for_what_nobody_waits_for(store: Store) -> None:
    async def run() -> None:
        async with Writer(store) as writer:
            writer.soon(lambda: store.set_meta(late=True))
            writer.soon(lambda: 1 / 0)

    asyncio.run(run())
    assert store.meta("late") is True


def test_a_cancelled_caller_takes_nothing_back(store: Store) -> None:
    async def run() -> None:
        async with Writer(store) as writer:
            task = asyncio.create_task(writer.do(lambda: store.set_meta(paid=True)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert store.meta("paid") is True


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's write lock on the store."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        if other.in_transaction:
            other.execute("ROLLBACK")
        other.close()


@pytest.fixture
def hasty(store: Store) -> Store:
    """A store that waits for a lock no longer than 20 ms."""

    def short(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 20")

    event.listen(store.engine, "checkout", short)
    return store


def test_answers_wait_for_a_lock_longer_than_the_busy_timeout(
    hasty: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with Writer(hasty) as writer:
            with held(hasty.path) as other:
                jobs = [
                    asyncio.create_task(writer.do(lambda n=n: hasty.set_meta(**{f"paid{n}": n})))
                    for n in range(3)
                ]
                await asyncio.sleep(0.5)
                assert not any(job.done() for job in jobs)
                other.execute("ROLLBACK")
                await asyncio.gather(*jobs)

    asyncio.run(run())
    assert [hasty.meta(f"paid{n}") for n in range(3)] == [0, 1, 2]
    assert caplog.text.count("another program is writing to") == 1
    assert str(hasty.path) in caplog.text


def test_another_error_of_the_store_fails_at_once(hasty: Store) -> None:
    def job() -> None:
        with hasty.write() as connection:
            connection.exec_driver_sql("INSERT INTO no_such_table VALUES (1)")

    async def run() -> None:
        async with Writer(hasty) as writer:
            with pytest.raises(OperationalError, match="no such table"):
                await asyncio.wait_for(writer.do(job), 5)

    asyncio.run(run())


def test_a_stopped_run_does_not_wait_for_a_lock(hasty: Store) -> None:
    async def run() -> None:
        async with Writer(hasty) as writer:
            with held(hasty.path):
                task = asyncio.create_task(writer.do(lambda: hasty.set_meta(late=True)))
                await asyncio.sleep(0.3)
                task.cancel()
                with pytest.raises(OperationalError, match="locked"):
                    await asyncio.wait_for(writer.do(lambda: None), 5)

    asyncio.run(run())
    assert hasty.meta("late") is None
