"""Caps on dollars, tokens and calls: a call is reserved before it is sent.

A reservation is the most a call is expected to take: its prompt as estimated and an answer of the
full length allowed. It is replaced by what was billed once that is known. So spending passes a cap
at most by what estimates of prompts were short of.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from store.errors import BudgetReachedError
from store.ledger import Spent


@dataclass(frozen=True)
class Caps:
    """Most that may be spent in a store, by all runs together; None is no cap."""

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None


@dataclass(frozen=True)
class Cost:
    """What one call takes; ``usd`` is 0 where the price is unknown."""

    usd: float = 0.0
    tokens: int = 0
    calls: int = 1


class Budget:
    """The running account of one process, starting from what the ledger says was spent."""

    def __init__(self, caps: Caps, spent: Spent) -> None:
        self.caps = caps
        self.usd = spent.usd
        self.tokens = spent.tokens
        self.calls = spent.calls
        self._open: list[Cost] = []
        self._settled = asyncio.Condition()

    async def reserve(self, cost: Cost) -> None:
        """Set ``cost`` aside, waiting for open calls to settle where that may make room.

        Raises
        ------
        BudgetReachedError
            If it does not fit and no open call can make room any more.
        """
        async with self._settled:
            while (reason := self._over(cost)) is not None:
                if not self._open:
                    raise BudgetReachedError(reason)
                await self._settled.wait()
            self._open.append(cost)

    async def settle(self, reserved: Cost, actual: Cost) -> None:
        """Replace a reservation by what the call took."""
        async with self._settled:
            self._open.remove(reserved)
            self.usd += actual.usd
            self.tokens += actual.tokens
            self.calls += actual.calls
            self._settled.notify_all()

    def _over(self, cost: Cost) -> str | None:
        """Which cap ``cost`` would pass, in words; None if it fits."""
        usd = self.usd + sum(open_.usd for open_ in self._open)
        tokens = self.tokens + sum(open_.tokens for open_ in self._open)
        calls = self.calls + sum(open_.calls for open_ in self._open)
        caps = self.caps
        # A hair of slack: sums of floats must not refuse a call that fits exactly.
        if caps.usd is not None and usd + cost.usd > caps.usd * (1 + 1e-9):
            return _reached(
                f"--budget-usd {caps.usd:g}", f"${usd:.4f}", f"may take ${cost.usd:.4f}"
            )
        if caps.tokens is not None and tokens + cost.tokens > caps.tokens:
            return _reached(
                f"--budget-tokens {caps.tokens}", f"{tokens} tokens", f"may take {cost.tokens}"
            )
        if caps.calls is not None and calls + cost.calls > caps.calls:
            return _reached(f"--budget-calls {caps.calls}", f"{calls} calls", "is one more")
        return None


def _reached(cap: str, spent: str, need: str) -> str:
    return (
        f"{cap} reached: {spent} spent in this store so far, and the next call {need}; "
        "everything paid for is kept; run again with a higher cap to go on"
    )
