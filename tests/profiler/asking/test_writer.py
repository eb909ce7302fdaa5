"""The writer: durable when it returns, together under load, one failure not another's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiler.asking.writer import Writer
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
            from sqlalchemy import event

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
