"""How calls are made: pace, caps, prices and retries, whatever the calls are for."""

from __future__ import annotations

from dataclasses import dataclass, field

from profiler.llm.budget import Caps
from profiler.llm.port import ChatPort
from profiler.llm.prices import Prices, load_prices
from profiler.llm.retry import RetryPolicy
from store.errors import UserError


@dataclass(frozen=True, kw_only=True)
class CallOptions:
    """Pace, caps, prices and retries of calls, whatever they are made for.

    Attributes
    ----------
    concurrency
        Maximum number of calls at the same time; None is 8, and 2 where the model runs on this
        machine. It is lowered where the service is overloaded.
    rpm, tpm
        Requests and tokens per minute; None leaves it to what the service tells.
    caps
        Most that may be spent in the store.
    prices
        Dollars per token.
    policy
        Calling again what was not answered.
    """

    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    caps: Caps = field(default_factory=Caps)
    prices: Prices = field(default_factory=load_prices)
    policy: RetryPolicy = field(default_factory=RetryPolicy)


def refuse_unpriced_cap(port: ChatPort, options: CallOptions) -> None:
    """A cap in dollars needs a price.

    Raises
    ------
    UserError
        There is such a cap, and the price of the port's model is unknown.
    """
    if options.caps.usd is not None and options.prices.at(port.base_url).of(port.name) is None:
        raise UserError(
            f"--budget-usd: the price of {port.name} is unknown; give it with --prices FILE, or "
            "cap with --budget-tokens or --budget-calls"
        )
