"""Requests and tokens per minute: one bucket for both, which follows what the service tells.

The bucket remembers the calls of the last minute. A call may go when, with it, the last minute
holds no more than both limits allow; so no window of 60 seconds is ever over a limit, and nothing
is lost to a refill rate. Time is injected: tests run hours in milliseconds.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

WINDOW = 60.0
Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass
class Grant:
    """One call that was let through: when, and how many tokens it counts."""

    at: float
    tokens: int


class Limiter:
    """Lets calls through in the order they came, within both limits.

    Parameters
    ----------
    rpm, tpm
        Requests and tokens per minute; None is no limit of the user's. A limit told by the
        service is kept as well, whichever is lower.
    clock, sleep
        Seconds that only grow; how to wait.
    """

    def __init__(
        self,
        rpm: int | None = None,
        tpm: int | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._user = (rpm, tpm)
        self._told: tuple[int | None, int | None] = (None, None)
        self._clock = clock
        self._sleep = sleep
        self._queue = asyncio.Lock()
        self._recent: deque[Grant] = deque()
        self._tokens = 0
        self._paused_until = float("-inf")

    @property
    def rpm(self) -> int | None:
        """Requests per minute in force."""
        return _lower(self._user[0], self._told[0])

    @property
    def tpm(self) -> int | None:
        """Tokens per minute in force."""
        return _lower(self._user[1], self._told[1])

    async def acquire(self, tokens: int) -> Grant:
        """Wait until a call of ``tokens`` may go.

        A call larger than the limit itself goes alone in its window: it can never fit, and the
        service must judge it.
        """
        async with self._queue:
            while (wait := self._wait(tokens)) > 0:
                # A short look-in at least every second: settled calls may have made room.
                await self._sleep(min(wait, 1.0))
            grant = Grant(self._clock(), tokens)
            self._recent.append(grant)
            self._tokens += tokens
            return grant

    def settle(self, grant: Grant, tokens: int) -> None:
        """Correct what a call counts once its real size is known."""
        if self._recent and grant.at >= self._recent[0].at:
            self._tokens += tokens - grant.tokens
        grant.tokens = tokens

    def pause(self, seconds: float) -> None:
        """Let nothing through for ``seconds``: the service asked for it."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def follow(self, headers: Mapping[str, str]) -> None:
        """Adapt to the rate-limit headers of a reply (OpenAI's and Anthropic's names)."""
        if not any("ratelimit" in name for name in headers):
            return
        requests = _header_int(headers, "limit", "requests")
        tokens = _header_int(headers, "limit", "tokens")
        self._told = (requests or self._told[0], tokens or self._told[1])
        for kind in ("requests", "tokens"):
            left = _header_int(headers, "remaining", kind)
            if left is not None and left <= 0:
                self.pause(min(_reset_seconds(headers, kind), WINDOW))

    def _wait(self, tokens: int) -> float:
        """Seconds until the next look; 0 if a call of ``tokens`` may go now."""
        now = self._clock()
        if now < self._paused_until:
            return self._paused_until - now
        while self._recent and self._recent[0].at <= now - WINDOW:
            self._tokens -= self._recent.popleft().tokens
        if not self._recent:
            return 0.0
        rpm, tpm = self.rpm, self.tpm
        need = 0 if rpm is None else len(self._recent) + 1 - rpm
        surplus = 0 if tpm is None else self._tokens + tokens - tpm
        if need <= 0 and surplus <= 0:
            return 0.0
        return max(self._until(need, surplus) - now, 1e-3)

    def _until(self, calls: int, tokens: int) -> float:
        """When enough of the oldest calls will have left the window."""
        for grant in self._recent:
            calls -= 1
            tokens -= grant.tokens
            if calls <= 0 and tokens <= 0:
                return grant.at + WINDOW
        return self._recent[-1].at + WINDOW


def _lower(one: int | None, other: int | None) -> int | None:
    return min((value for value in (one, other) if value), default=None)


def _header(headers: Mapping[str, str], what: str, kind: str) -> str | None:
    return headers.get(f"x-ratelimit-{what}-{kind}") or headers.get(
        f"anthropic-ratelimit-{kind}-{what}"
    )


def _header_int(headers: Mapping[str, str], what: str, kind: str) -> int | None:
    value = _header(headers, what, kind)
    return int(value) if value is not None and value.strip().isdigit() else None


def _reset_seconds(headers: Mapping[str, str], kind: str) -> float:
    """Seconds from a reset header such as ``6m0s``, ``20ms`` or ``1.5``; a second if unreadable."""
    value = (_header(headers, "reset", kind) or "").strip()
    try:
        return float(value)
    except ValueError:
        parts = _PART.findall(value)
        return sum(float(number) * _SECONDS[unit] for number, unit in parts) or 1.0
