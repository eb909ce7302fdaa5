"""``BuildReport``: what a build or an append did, for people and as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from profiler.config import OFFLINE
from store.notebook import InNotebooks

if TYPE_CHECKING:
    from profiler.asking.forecast import Forecast
    from profiler.asking.runner import AskingSummary
    from profiler.growth.changes import Growth
    from profiler.selection.choose import Chosen


@dataclass
class BuildReport(InNotebooks):
    """What a build did.

    Attributes
    ----------
    changed
        Whether the data differed from what the store held.
    users, items, interactions
        Size of the data.
    encoded
        Texts encoded now (0: all vectors were there).
    chosen
        Exemplars and synthetic users, and how well they cover the crowd.
    asked
        The model, or ``offline``.
    asking
        Calls, outcomes and cost; None where nothing was asked.
    forecast
        Of a dry run: what asking would take, by kind of subject.
    assigned
        Users whose own history is covered by stored interests.
    notes
        What was assumed about the data, or looks wrong with it, as sentences.
    growth
        What is new since the data the store held before; None where there were none or the same.
    """

    changed: bool
    users: int
    items: int
    interactions: int
    encoded: int = 0
    chosen: Chosen | None = None
    asked: str = OFFLINE
    asking: AskingSummary | None = None
    forecast: dict[str, Forecast] = field(default_factory=dict)
    assigned: int = 0
    notes: list[str] = field(default_factory=list)
    growth: Growth | None = None
