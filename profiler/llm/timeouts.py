"""How long a call may take."""

from __future__ import annotations

from dataclasses import dataclass, field

SHORTEST_S = 120.0
LONGEST_S = 1_800.0
START_S = 60.0
TOKENS_PER_SECOND = 20.0
"""A slow service writes so many; a slower one is given twice as long after each time-out."""


@dataclass
class Timeout:
    """Seconds for a call, from sending to the last byte.

    Attributes
    ----------
    given
        As the user wants it, for every call; None lets it grow with the longest answer, and after
        each time-out, so that a call is not repeated unchanged.
    """

    given: float | None = None
    factor: float = field(default=1.0, init=False)

    def seconds(self, max_tokens: int) -> float:
        """Seconds for a call whose answer may have ``max_tokens``."""
        if self.given is not None:
            return self.given
        usual = max(SHORTEST_S, START_S + max_tokens / TOKENS_PER_SECOND)
        return min(usual * self.factor, LONGEST_S)

    def was_passed(self) -> None:
        """A call took longer: the next ones get twice as long."""
        self.factor = min(2 * self.factor, LONGEST_S / SHORTEST_S)
