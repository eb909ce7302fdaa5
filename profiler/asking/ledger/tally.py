"""What calls have come to so far: how many, their tokens, their cost."""

from __future__ import annotations

from dataclasses import dataclass

from store.tables.ledger import NewResponse


@dataclass
class Tally:
    """What was done: calls sent, answers found stored, tokens billed, dollars known to be spent.

    ``unpriced`` counts answers whose cost is unknown, ``in_vain`` the requests that in a row, up to
    now, got no answer after all attempts, ``asked_again`` the calls that corrected an answer or
    allowed a longer one.
    """

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    failed_calls: int = 0
    in_vain: int = 0
    asked_again: int = 0

    @property
    def tokens(self) -> int:
        """Billed tokens, in and out."""
        return self.tokens_in + self.tokens_out

    def count(self, response: NewResponse) -> None:
        """Count an answer that was bought."""
        self.in_vain = 0
        self.tokens_in += response.tokens_in or 0
        self.tokens_out += response.tokens_out or 0
        self.cost_usd += response.cost_usd or 0.0
        self.unpriced += response.cost_usd is None
