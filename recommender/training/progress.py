"""How a run stands and how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

REPORT_EVERY = 100


@dataclass
class Report:
    """How a run stands; given to ``progress`` every hundred steps and at each evaluation."""

    step: int
    epoch: int
    terms: dict[str, float]
    steps_per_second: float
    metrics: dict[str, float] | None = None
    best: float | None = None
    monitor: str = ""
    """The metric that ``best`` is of."""


class Progress:
    """Measures steps per second between evaluations and tells ``progress``."""

    def __init__(self, progress: Callable[[Report], None] | None, monitor: str = "") -> None:
        self.progress, self.monitor = progress, monitor
        self.last = Report(0, 0, {}, 0.0, monitor=monitor)
        self.terms: dict[str, Tensor] = {}
        self.start(0, 0.0)

    def start(self, step: int, before: float) -> None:
        """Start the clock of a run that has taken ``before`` seconds already."""
        self.before = before
        self.started = self.marked = time.perf_counter()
        self.marked_step = step

    def seconds(self) -> float:
        """Seconds the run has taken, evaluations included."""
        return self.before + time.perf_counter() - self.started

    def stepped(self, step: int, epoch: int, terms: dict[str, Tensor], best: float | None) -> None:
        """Remember a step's terms, and report every hundred steps."""
        self.terms = terms
        if step % REPORT_EVERY == 0:
            self.measure(step, epoch, best)
            if self.progress is not None:
                self.progress(self.last)

    def measure(self, step: int, epoch: int, best: float | None) -> None:
        """Put the last step's terms, and the rate since the last report, into ``last``."""
        steps, now = step - self.marked_step, time.perf_counter()
        rate = steps / max(now - self.marked, 1e-9) if steps else self.last.steps_per_second
        values = {name: float(value.detach()) for name, value in self.terms.items()}
        self.last = Report(step, epoch, values, rate, best=best, monitor=self.monitor)
        self.marked, self.marked_step = now, step

    def evaluated(self, metrics: dict[str, float], best: float | None) -> None:
        """Report an evaluation, whose time does not count into the rate.

        :meth:`measure` comes before the evaluation.
        """
        if self.progress is not None:
            self.progress(replace(self.last, metrics=metrics, best=best))
        self.marked = time.perf_counter()
