"""The limiter under a simulated clock: hours in milliseconds."""

from __future__ import annotations

import asyncio
import random

import pytest

from profiler.llm.rate_limits import WINDOW, Limiter


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def grants(limiter: Limiter, sizes: list[int]) -> list[tuple[float, int]]:
    async def run() -> list[tuple[float, int]]:
        taken = []
        for size in sizes:
            grant = await limiter.acquire(size)
            taken.append((grant.at, size))
        return taken

    return asyncio.run(run())


def fullest(taken: list[tuple[float, int]]) -> tuple[int, int]:
    """Most requests and most tokens in any window of 60 seconds that starts with a request."""
    calls = tokens = most_calls = most_tokens = first = 0
    for number, (at, size) in enumerate(taken):
        calls, tokens = calls + 1, tokens + size
        while taken[first][0] <= at - WINDOW:
            calls, tokens = calls - 1, tokens - taken[first][1]
            first += 1
        most_calls, most_tokens = max(most_calls, calls), max(most_tokens, tokens)
        assert number >= first
    return most_calls, most_tokens


@pytest.mark.parametrize("largest", [400, 1_000, 2_500])
def test_no_window_is_over_the_limit_and_almost_nothing_is_wasted(largest: int) -> None:
    time = Time()
    random_ = random.Random(largest)
    sizes = [random_.randint(100, largest) for _ in range(5_000)]
    taken = grants(Limiter(60, 40_000, clock=time, sleep=time.sleep), sizes)

    calls, tokens = fullest(taken)
    assert calls <= 60
    assert tokens <= 40_000
    minutes = (taken[-1][0] - taken[0][0]) / WINDOW
    used = max(len(sizes) / 60 / minutes, sum(sizes) / 40_000 / minutes)
    assert used >= 0.95


def test_without_limits_nothing_waits() -> None:
    time = Time()
    grants(Limiter(clock=time, sleep=time.sleep), [10_000] * 100)
    assert time.now == 1_000.0


def test_a_call_larger_than_the_limit_goes_alone() -> None:
    time = Time()
    taken = grants(Limiter(tpm=100, clock=time, sleep=time.sleep), [50, 5_000, 50])
    assert taken[1][0] - taken[0][0] >= WINDOW
    assert taken[2][0] - taken[1][0] >= WINDOW


def test_what_is_settled_makes_room() -> None:
    time = Time()
    limiter = Limiter(tpm=1_000, clock=time, sleep=time.sleep)

    async def run() -> float:
        first = await limiter.acquire(1_000)
        limiter.settle(first, 200)
        await limiter.acquire(800)
        return time.now

    assert asyncio.run(run()) == 1_000.0


def test_it_follows_the_limits_that_the_service_tells() -> None:
    time = Time()
    limiter = Limiter(100, clock=time, sleep=time.sleep)
    limiter.follow({"x-ratelimit-limit-requests": "30", "x-ratelimit-limit-tokens": "9000"})
    assert (limiter.rpm, limiter.tpm) == (30, 9_000)
    limiter.follow({"anthropic-ratelimit-requests-limit": "500", "content-type": "text"})
    assert limiter.rpm == 100  # the user's own limit stays
    assert fullest(grants(limiter, [10] * 200))[0] <= 100


@pytest.mark.parametrize(
    ("reset", "seconds"), [("1s", 1), ("350ms", 0.35), ("0m12.5s", 12.5), ("7", 7), ("soon", 1)]
)
def test_nothing_goes_before_the_told_reset(reset: str, seconds: float) -> None:
    time = Time()
    limiter = Limiter(clock=time, sleep=time.sleep)
    limiter.follow({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset})
    assert grants(limiter, [1])[0][0] == pytest.approx(1_000 + seconds)


def test_a_pause_holds_everybody() -> None:
    time = Time()
    limiter = Limiter(1_000, clock=time, sleep=time.sleep)
    limiter.pause(20)
    limiter.pause(5)
    assert all(at >= 1_020 for at, _ in grants(limiter, [1, 1, 1]))
