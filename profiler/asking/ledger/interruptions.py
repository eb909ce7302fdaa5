"""Why the ledger does not buy an answer now, though nothing is wrong with the question."""

from __future__ import annotations


class LeasedElsewhereError(Exception):
    """Another process is asking exactly this now."""


class NoRoomError(Exception):
    """A call does not fit under a cap, given what all processes have spent."""

    def __init__(self, reason: str, *, others: bool) -> None:
        super().__init__(reason)
        self.reason, self.others = reason, others


class HaltedError(Exception):
    """The run is stopping: no new call is made."""
