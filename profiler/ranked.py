"""What ``rank`` is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from profiler.asking.forecast import Forecast
from profiler.asking.options import AskingSummary
from profiler.asking.tasks.rank import Rank
from profiler.asking.tasks.teacher_lists import TeacherLists

SESSIONS = 20
AT = (5, 10, 25)
"""Lengths of lists at which the model's order is compared with the teacher's."""


@dataclass(frozen=True)
class RankSettings:
    """What is asked about which cases.

    Attributes
    ----------
    nomination
        Number of the nomination; None takes the newest.
    sessions
        Lists of the teacher that the first question shows; 0 asks for no hints.
    force_target
        Put the target among the candidates where it is not, as published. Such rankings are marked.
    prompt, hints_prompt, prompts
        The templates, and a folder whose templates go before ours.
    only_pending
        Leave cases that the model has ranked, whatever the question was.
    retry
        Ask only about quarantined cases.
    """

    nomination: int | None = None
    sessions: int = SESSIONS
    force_target: bool = False
    prompt: str = Rank.template
    hints_prompt: str = TeacherLists.template
    prompts: Path | None = None
    only_pending: bool = False
    retry: bool = False


@dataclass(frozen=True)
class Ranked:
    """What asking for rankings came to.

    Attributes
    ----------
    model, nomination
        Who was asked, and about which cases.
    hints
        Sentences on the teacher's lists that the questions quoted.
    asking
        Calls, outcomes and cost by task; empty after a dry run.
    forecast
        Of a dry run, by task.
    cases, ranked, quarantined
        Cases of the nomination; those that the model has ranked, and those whose answers could not
        be used.
    forced
        Rankings whose target was put among the candidates.
    found
        How often the target is among the first 5, 10 and 25, of the model's order and of the
        teacher's, over the rankings that may be measured.
    """

    model: str
    nomination: int
    hints: tuple[str, ...]
    asking: dict[str, AskingSummary]
    forecast: dict[str, Forecast]
    cases: int
    ranked: int
    quarantined: int
    forced: int
    found: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """Subjects that have no usable answer yet."""
        return sum(one.quarantined + one.pending for one in self.asking.values())

    def to_json(self) -> dict[str, Any]:
        """Give it as a JSON object."""
        return asdict(self)
