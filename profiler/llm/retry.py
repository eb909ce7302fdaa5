"""When a call that brought no answer is made again, and how long that waits.

The provider's Retry-After is honoured, else the wait is random and grows, so that calls that failed
together do not come back together; where the service is full it grows beyond a minute, the window
over which services count. Only what may pass is tried again; a refusal of key, quota or model stops
the run. Nothing of a failed call ever reaches a prompt.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from profiler.llm.port import CallError
from profiler.llm.rate_limits import Sleep
from store.errors import ProviderRefusedError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently.

    Attributes
    ----------
    attempts
        Calls for one request, the first included.
    first_wait, longest_wait
        Seconds: scale and cap of the wait.
    longest_told
        A Retry-After beyond this many seconds stops the run instead of keeping it waiting.
    sleep
        How to wait; injected by tests.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_told: float = 600.0
    sleep: Sleep = asyncio.sleep

    def wait(self, failed: int, error: CallError) -> float:
        """Seconds before the next attempt, after ``failed`` of them."""
        if error.outcome == "unsupported":
            return 0.0
        told = error.retry_after
        if told is not None:
            # Never sooner than told; a little later, so that not all waiting calls come at once.
            return told + random.uniform(0, min(1.0, 0.1 + told * 0.1))  # noqa: S311
        if error.outcome == "rate_limited" and failed > 1:
            # 8, 30, 60, 60 s: a full service empties within its window, sooner tries are in vain.
            most = min(self.first_wait * 8 * 3.75 ** (failed - 2), self.longest_wait)
            return random.uniform(most / 2, most)  # noqa: S311
        return random.uniform(0, min(self.first_wait * 2 ** (failed - 1), self.longest_wait))  # noqa: S311

    async def persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Make an attempt, again and again where that may help.

        Raises
        ------
        CallError
            The last attempt's, when none brought an answer, or at once when waiting cannot help.
        ProviderRefusedError
            The provider refuses all calls.
        """
        failed = 0
        while True:
            try:
                return await attempt()
            except CallError as error:
                failed += 1
                self._refuse(error)
                if not error.passing or failed >= self.attempts:
                    raise
                seconds = self.wait(failed, error)
            await self.sleep(seconds)

    def _refuse(self, error: CallError) -> None:
        if error.outcome == "provider_refused":
            raise ProviderRefusedError(str(error)) from None
        if error.retry_after is not None and error.retry_after > self.longest_told:
            raise ProviderRefusedError(
                f"the service asks to wait {error.retry_after:.0f} s before the next call "
                f"({error}); everything paid for is kept; run again then"
            ) from None
