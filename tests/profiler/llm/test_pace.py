"""Concurrency that follows the service: whole runs under a clock that jumps to the next event."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from profiler.asking.options import AskingOptions
from profiler.llm.pace import AT_ONCE, AT_ONCE_HERE, Pace, calls_at_once
from profiler.llm.port import CallError
from profiler.llm.rate_limits import Limiter
from profiler.llm.retry import RetryPolicy


class Jumping(asyncio.SelectorEventLoop):
    """A loop without waiting: where nothing is ready, its clock jumps to what comes next."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class Service:
    """Takes so many calls a minute, or so many at once; the rest get a bare 429."""

    def __init__(self, *, a_minute: int = 10**6, at_once: int = 10**6, hint: float | None = None):
        self.a_minute, self.at_once, self.hint = a_minute, at_once, hint
        self.calls = self.in_vain = self.under_way = self.most = 0
        self.taken: deque[float] = deque()

    async def __call__(self) -> str:
        loop = asyncio.get_running_loop()
        self.calls += 1
        while self.taken and self.taken[0] <= loop.time() - 60:
            self.taken.popleft()
        self.most = max(self.most, self.under_way + 1)
        if len(self.taken) >= self.a_minute or self.under_way >= self.at_once:
            self.in_vain += 1
            await asyncio.sleep(0.05)
            raise CallError("rate_limited", "full", status_code=429, retry_after=self.hint)
        self.taken.append(loop.time())
        self.under_way += 1
        await asyncio.sleep(2.0)
        self.under_way -= 1
        return "answer"


def simulate(
    service: Callable[[], Awaitable[Any]], requests: int, at_once: int = 8
) -> tuple[list[Any], float, Pace]:
    """What became of each request, the seconds it took, and the pace at the end."""
    loop = Jumping()
    limiter = Limiter(clock=loop.time)
    pace = Pace(at_once, limiter)

    async def run() -> list[Any]:
        policy = RetryPolicy()
        return await asyncio.gather(
            *(policy.persist(lambda: pace.send(service, 10)) for _ in range(requests)),
            return_exceptions=True,
        )

    try:
        found = loop.run_until_complete(run())
        return found, loop.time(), pace
    finally:
        loop.close()


def test_a_minutes_window_without_a_hint_is_waited_out_by_all_together() -> None:
    # Thirty subjects, ten calls a minute: 10 were answered, 20 quarantined, 165 calls in vain.
    service = Service(a_minute=10)
    found, seconds, _ = simulate(service, 30)
    assert [answer for answer, _ in found] == ["answer"] * 30
    assert service.in_vain <= 25
    assert seconds <= 5 * 60


def test_a_hint_is_kept_by_all() -> None:
    service = Service(a_minute=10, hint=60.0)
    found, seconds, _ = simulate(service, 30)
    assert len([answer for answer, _ in found]) == 30
    assert service.in_vain <= 8 + 4 + 4
    assert seconds <= 4 * 60


def test_the_number_under_way_falls_to_what_the_service_takes() -> None:
    service = Service(at_once=2)
    found, _, pace = simulate(service, 100)
    assert len([answer for answer, _ in found]) == 100
    assert service.in_vain <= 40
    assert pace.limit < 4


def test_it_rises_again_and_never_above_what_was_given() -> None:
    service = Service()
    found, seconds, pace = simulate(service, 200, at_once=8)
    assert len(found) == 200
    assert (service.in_vain, service.most, pace.limit) == (0, 8, 8.0)
    assert seconds == pytest.approx(2.0 * 200 / 8)

    class Once(Service):
        async def __call__(self) -> str:
            if self.calls == 20:
                self.calls += 1
                raise CallError("server_error", "overloaded", status_code=529)
            return await super().__call__()

    found, _, pace = simulate(Once(), 200)
    assert pace.limit == 8.0


def test_calls_that_run_into_the_time_limit_are_made_fewer() -> None:
    # Eight calls at a server with one slot: each waited for seven others and none came in time.
    class OneSlot:
        def __init__(self) -> None:
            self.slot = asyncio.Lock()
            self.in_vain = 0

        async def __call__(self) -> str:
            try:
                async with asyncio.timeout(25):
                    async with self.slot:
                        await asyncio.sleep(10)
                        return "answer"
            except TimeoutError:
                self.in_vain += 1
                raise CallError("timeout", "no answer in 25 s") from None

    service = OneSlot()
    found, _, pace = simulate(service, 40)
    assert [answer for answer, _ in found] == ["answer"] * 40
    assert service.in_vain <= 25
    assert pace.limit < 4


def test_a_place_is_given_back_whatever_ends_a_call() -> None:
    async def run() -> None:
        pace = Pace(1, Limiter())

        async def never() -> None:
            await asyncio.Event().wait()

        for _ in range(3):
            task = asyncio.create_task(pace.send(never, 1))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waiting = asyncio.create_task(pace.send(never, 1))
            await asyncio.sleep(0)
            waiting.cancel()
            task.cancel()
            await asyncio.gather(task, waiting, return_exceptions=True)

        async def broken() -> None:
            raise ValueError("no call error")

        with pytest.raises(ValueError, match="no call error"):
            await pace.send(broken, 1)

        async def answered() -> str:
            return "answer"

        async with asyncio.timeout(5):
            assert (await pace.send(answered, 1))[0] == "answer"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (None, AT_ONCE),
        ("https://api.example.org/v1", AT_ONCE),
        ("http://10.0.0.7:8000/v1", AT_ONCE),
        ("http://127.0.0.1:8080/v1", AT_ONCE_HERE),
        ("http://localhost:11434/v1", AT_ONCE_HERE),
        ("http://[::1]:8080/v1", AT_ONCE_HERE),
    ],
)
def test_a_server_on_this_machine_is_asked_two_at_a_time(
    base_url: str | None, expected: int
) -> None:
    assert AskingOptions().concurrency is None
    assert calls_at_once(None, base_url) == expected
    assert calls_at_once(5, base_url) == 5
