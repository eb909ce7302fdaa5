"""How many calls are under way at once: fewer where the service is full, more where it answers.

Additive increase, multiplicative decrease, as TCP does it (Chiu and Jain, "Analysis of the increase
and decrease algorithms for congestion avoidance", 1989). A 429 holds everybody, not only the call
that met it: all wait out one pause, and where that was in vain a single call tries for all. So a
full service costs few calls in vain, and no request uses up its attempts while others wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from profiler.llm.port import CallError
from profiler.llm.rate_limits import Grant, Limiter

T = TypeVar("T")

AT_ONCE = 8
AT_ONCE_HERE = 2
"""Calls under way at once by default: of a service, and of a server on this machine."""

LONGEST_PAUSE_S = 600.0
SLOWEST_RISE = 1 / 64

BUSY = (503, 529)
"""Statuses by which a service says that it has more work than it can do."""


def calls_at_once(given: int | None, base_url: str | None) -> int:
    """Maximum number of calls under way at once: as given, else by where the model runs.

    A server on this machine answers one or two at a time; whatever waits in its queue only runs
    into the time limit.
    """
    if given is not None:
        return given
    return AT_ONCE_HERE if is_loopback(base_url) else AT_ONCE


def is_loopback(base_url: str | None) -> bool:
    """Whether an address is on this very machine."""
    host = (urlsplit(base_url).hostname or "") if base_url else ""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


class Pace:
    """Lets calls through: as many at once as the service takes, within the limits per minute.

    Parameters
    ----------
    most
        Calls under way at once, at most.
    limiter
        Requests and tokens per minute, and pauses.
    first_wait, longest_wait
        Seconds of the first pause after a 429 that does not say how long to wait, and of the
        longest; in between they grow to the minute over which services count.
    """

    def __init__(
        self, most: int, limiter: Limiter, *, first_wait: float = 1.0, longest_wait: float = 60.0
    ) -> None:
        self.most, self.limiter = most, limiter
        self.limit = float(most)
        self._sent = self._last_answered = 0
        self._quickly_to, self._answered_since = float(most), True  # half of what was too much
        self._step = 1.0  # the rise for each round of answers
        self._waits = (first_wait, longest_wait)
        self._under_way = 0
        self._fell = 0  # how often the limit has fallen: calls sent before that say nothing new
        self._full = 0  # pauses in a row without an answer
        self._room = asyncio.Condition()

    async def send(self, call: Callable[[], Awaitable[T]], tokens: int) -> tuple[T, Grant]:
        """Make a call once there is room; return what came, and the grant to settle.

        Raises
        ------
        CallError
            The call's own; the pace has followed it.
        """
        async with self._room:
            await self._room.wait_for(self._has_room)
            self._under_way += 1
        try:
            grant = await self.limiter.acquire(tokens)
            self._sent += 1
            number, fell = self._sent, self._fell
            try:
                reply = await call()
            except CallError as error:
                self._failed(error, number, fell)
                raise
            self._last_answered = max(self._last_answered, number)
            self._answered(fell)
            return reply, grant
        finally:
            # Not cut short by a second cancellation: a place that is not given back is lost.
            await asyncio.shield(asyncio.ensure_future(self._leave()))

    def _has_room(self) -> bool:
        return self._under_way < self._allowed()

    def _allowed(self) -> int:
        """Calls under way at once, now: one where two pauses in a row brought no answer."""
        return 1 if self._full > 1 else int(self.limit)

    async def _leave(self) -> None:
        async with self._room:
            self._under_way -= 1
            self._room.notify(max(self._allowed() - self._under_way, 0))

    def _answered(self, fell: int) -> None:
        if fell != self._fell:  # sent before the service was full
            return
        self._full, self._answered_since = 0, True
        rise = 1.0 if self.limit < self._quickly_to else self._step / self.limit
        self.limit = min(self.limit + rise, float(self.most))

    def _failed(self, error: CallError, number: int, fell: int) -> None:
        """Follow what a failed call says of the service, once for calls that were sent together.

        A call that ran out of time while a later one was answered says nothing: it did not wait in
        a queue.
        """
        full = error.outcome == "rate_limited"
        late = error.outcome == "timeout" and number > self._last_answered
        busy = late or error.status_code in BUSY
        if not full:  # the service took the call
            self._full = 0
        if not (full or busy) or fell != self._fell:
            return
        self._fell += 1
        if self._answered_since:
            self._quickly_to, self._answered_since = self.limit / 2, False
        self.limit = max(self.limit / 2, 1.0)
        if late:  # dear to find out again: the limit rises ever slower
            self._step = max(self._step / 2, SLOWEST_RISE)
        if full:
            self._full += 1
            told = error.retry_after
            self.limiter.pause(self._pause() if told is None else min(told, LONGEST_PAUSE_S))

    def _pause(self) -> float:
        """1, 8, 30, 60, 60, … seconds, by how many pauses in a row brought no answer."""
        first, longest = self._waits
        if self._full == 1:
            return first
        return min(first * 8 * 3.75 ** (self._full - 2), longest)
