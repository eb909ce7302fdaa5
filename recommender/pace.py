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


class Pace:
    """Measures steps per second between evaluations and tells ``progress``."""

    def __init__(self, progress: Callable[[Report], None] | None, monitor: str = "") -> None:
        self.progress, self.monitor = progress, monitor
        self.last = Report(0, 0, {}, 0.0, monitor=monitor)
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
        """Report every hundred steps."""
        if step % REPORT_EVERY and self.last.terms:
            return
        now = time.perf_counter()
        rate = (step - self.marked_step) / max(now - self.marked, 1e-9)
        values = {name: float(value.detach()) for name, value in terms.items()}
        self.last = Report(step, epoch, values, rate, best=best, monitor=self.monitor)
        if self.progress is not None:
            self.progress(self.last)
        self.marked, self.marked_step = time.perf_counter(), step

    def evaluated(
        self, step: int, epoch: int, metrics: dict[str, float], best: float | None
    ) -> None:
        """Report an evaluation, whose time does not count into the rate."""
        if self.progress is not None:
            self.progress(replace(self.last, step=step, epoch=epoch, metrics=metrics, best=best))
        self.marked, self.marked_step = time.perf_counter(), step
