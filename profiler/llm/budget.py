"""Caps on dollars, tokens and calls: a call is reserved before it is sent.

A reservation is the most a call is expected to take: its prompt as estimated and an answer of the
full length allowed. It is replaced by what was billed once that is known. So spending passes a cap
at most by what estimates of prompts were short of. The ledger of the store is the account, of all
processes together; :class:`Budget` is one process's own, which knows when to wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from profiler.llm.port import Request
from profiler.llm.prices import Prices
from prompts.items import estimate_tokens
from store.digests import canonical_json
from store.errors import BudgetReachedError
from store.tables.ledger import Spent

__all__ = ["Caps"]

PER_MESSAGE = 8
"""Tokens that a service counts for the frame of one message."""


@dataclass(frozen=True)
class Caps:
    """Most that may be spent in a store, by all runs together; None is no cap."""

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None

    @property
    def any(self) -> bool:
        """Whether there is any cap."""
        return (self.usd, self.tokens, self.calls) != (None, None, None)

    def passed(self, usd: float, tokens: int, calls: int, cost: Cost) -> str | None:
        """Which cap ``cost`` would pass on top of what is spent, in words; None if it fits."""
        # A hair of slack: sums of floats must not refuse a call that fits exactly.
        if self.usd is not None and usd + cost.usd > self.usd * (1 + 1e-9):
            return _reached(
                f"--budget-usd {self.usd:g}", f"${usd:.4f}", f"may take ${cost.usd:.4f}"
            )
        if self.tokens is not None and tokens + cost.tokens > self.tokens:
            return _reached(
                f"--budget-tokens {self.tokens}", f"{tokens} tokens", f"may take {cost.tokens}"
            )
        if self.calls is not None and calls + cost.calls > self.calls:
            return _reached(f"--budget-calls {self.calls}", f"{calls} calls", "is one more")
        return None


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
        return self.caps.passed(
            self.usd + sum(open_.usd for open_ in self._open),
            self.tokens + sum(open_.tokens for open_ in self._open),
            self.calls + sum(open_.calls for open_ in self._open),
            cost,
        )


def refusal(caps: Caps, cost: Cost) -> Callable[[Spent], str | None] | None:
    """What :meth:`store.responses.Responses.open_call` asks before it lets a call through."""
    if not caps.any:
        return None
    return lambda spent: caps.passed(spent.usd, spent.tokens, spent.calls, cost)


def prompt_tokens(request: Request) -> int:
    """Tokens of a prompt, its schema and its tools, estimated on the high side."""
    text = "".join(turn.content for turn in request.messages)
    calls = [[call.name, call.arguments] for turn in request.messages for call in turn.tool_calls]
    forms = [canonical_json(form) for form in (request.schema, *request.tools, *calls)]
    return (
        estimate_tokens(text)
        + sum(map(estimate_tokens, forms))
        + PER_MESSAGE * len(request.messages)
    )


def reservation(request: Request, model: str, prices: Prices) -> Cost:
    """Most that one call is expected to take: the whole prompt and the longest answer."""
    tokens_in = prompt_tokens(request)
    usd = prices.cost(model, tokens_in, request.max_tokens) or 0.0
    return Cost(usd, tokens_in + request.max_tokens)


def _reached(cap: str, spent: str, need: str) -> str:
    return (
        f"{cap} reached: {spent} spent in this store so far, and the next call {need}; "
        "everything paid for is kept; run again with a higher cap to go on"
    )
