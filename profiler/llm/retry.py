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

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    wait_exponential,
    wait_random_exponential,
)

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
    unreachable
        Calls for one request where nobody listens and no call was ever answered.
    sleep
        How to wait; injected by tests.
    """

    attempts: int = 6
    unreachable: int = 3
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_told: float = 600.0
    sleep: Sleep = asyncio.sleep

    def wait(self, state: RetryCallState) -> float:
        """Seconds before the next attempt, after those that ``state`` counts."""
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, CallError):
            if error.outcome == "unsupported":
                return 0.0
            told = error.retry_after
            if told is not None:
                # Never sooner than told; a little later, so that not all calls come at once.
                return told + random.uniform(0, min(1.0, 0.1 + told * 0.1))  # noqa: S311
            if error.outcome == "rate_limited" and state.attempt_number > 1:
                # 8, 30, 60, 60 s: a full service empties within its window, sooner is in vain.
                most = wait_exponential(self.first_wait * 8 / 3.75, self.longest_wait, 3.75)(state)
                return random.uniform(most / 2, most)  # noqa: S311
        return wait_random_exponential(self.first_wait, self.longest_wait)(state)

    async def persist(
        self, attempt: Callable[[], Awaitable[T]], *, reached: Callable[[], bool] = bool
    ) -> T:
        """Make an attempt, again and again where that may help.

        Parameters
        ----------
        attempt
            Makes one call.
        reached
            Whether the service has answered a call before: then it may come back, and is given the
            full patience; else its address is taken for wrong, or the server for not started.

        Raises
        ------
        CallError
            The last attempt's, when none brought an answer, or at once when waiting cannot help.
        ProviderRefusedError
            The provider refuses all calls.
        """
        retrying = AsyncRetrying(
            stop=lambda state: state.attempt_number >= self._most(state, reached),
            wait=self.wait,
            retry=retry_if_exception(self._passes),
            sleep=self.sleep,
            reraise=True,
        )

        async def once() -> T:  # tenacity awaits only what it sees to be a coroutine function
            return await attempt()

        try:
            return await retrying(once)
        except CallError as error:
            if error.outcome == "provider_refused":
                raise ProviderRefusedError(str(error)) from None
            if error.unreachable and not reached():
                raise ProviderRefusedError(
                    f"nobody answers at the address of the model ({error}); start its server, or "
                    "mend the address or the network; nothing was paid"
                ) from None
            if self._too_long(error):
                raise ProviderRefusedError(
                    f"the service asks to wait {error.retry_after:.0f} s before the next call "
                    f"({error}); everything paid for is kept; run again then"
                ) from None
            raise

    def _most(self, state: RetryCallState, reached: Callable[[], bool]) -> int:
        """Calls for one request, by how the last one failed."""
        error = state.outcome.exception() if state.outcome is not None else None
        lost = isinstance(error, CallError) and error.unreachable and not reached()
        return min(self.unreachable, self.attempts) if lost else self.attempts

    def _passes(self, error: BaseException) -> bool:
        """Whether another attempt may help."""
        if not isinstance(error, CallError) or error.outcome == "provider_refused":
            return False
        return error.passing and not self._too_long(error)

    def _too_long(self, error: CallError) -> bool:
        return error.retry_after is not None and error.retry_after > self.longest_told
