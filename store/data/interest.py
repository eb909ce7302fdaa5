"""What an interest offers before it is stored: two texts and the items that prove it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class InterestLike(Protocol):
    """What a validated interest offers: two texts and the ids of the items that prove it."""

    @property
    def label(self) -> str:
        """A few words that name the interest."""

    @property
    def description(self) -> str:
        """One sentence about it; may be empty."""

    @property
    def evidence(self) -> Sequence[str]:
        """Ids of the items that prove it, in order of their weight."""


def interest_text(label: str, description: str) -> str:
    """Return the text of an interest that is encoded."""
    return f"{label}. {description}" if description else label
