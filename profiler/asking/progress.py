"""How a run of asking stands, for whoever watches it."""

from __future__ import annotations

import time
from collections.abc import Callable

from profiler.asking.options import AskingSummary

DETAIL = " · "
"""Between the name of a step and what changes while it lasts."""


def asking_progress(
    tell: Callable[[str, int, int], None],
    step: str,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[AskingSummary], None]:
    """Return what tells a run's progress: subjects done, what is under way, and the time left.

    Parameters
    ----------
    tell
        Called with the step and its detail, how many subjects are settled, and how many there are.
    step
        Name of the step.
    clock
        Seconds that only grow.
    """
    started = clock()
    first: list[int] = []

    def report(summary: AskingSummary) -> None:
        done = summary.ok + summary.quarantined
        first[:] = first or [done]
        told = [summary.under_way_in_words()]
        new, left = done - first[0], summary.subjects - done
        if new and left:
            told.append(f"about {duration((clock() - started) / new * left)} left")
        detail = ", ".join(one for one in told if one)
        tell(step + (DETAIL + detail if detail else ""), done, summary.subjects)

    return report


def duration(seconds: float) -> str:
    """A length of time in one unit that suits it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h"
