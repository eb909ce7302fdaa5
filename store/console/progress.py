"""Progress of long commands: bars on a terminal, a line every few seconds anywhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from store.console.output import note, plain

if TYPE_CHECKING:
    from rich.progress import TaskID

Tell = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is (0: not known)."""

DETAIL = " · "
"""What stands behind this in a step's name may change while the step lasts."""

EVERY_S = 5.0
"""Seconds between two lines about the same step where there is no terminal. Our choice."""


@contextmanager
def show_progress(*, quiet: bool = False) -> Iterator[Tell]:
    """Show the steps of a command on standard error; yields ``tell(step, done, total)``.

    A step is shown from the moment it is first told. On a terminal each is a bar, or a clock where
    its size is not known; elsewhere each is a line, repeated every few seconds while it lasts.
    """
    if quiet:
        yield lambda step, done, total: None
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bars() as tell:
            yield tell
    else:
        lines = Lines()
        with _beating(lines):
            yield lines.tell


@contextmanager
def shown(progress: Tell | bool) -> Iterator[Tell]:
    """Progress of a function: shown as commands show it, handed to a callback, or not at all.

    Parameters
    ----------
    progress
        True shows it on standard error, False does not; a callback gets (step, done, total).
    """
    if callable(progress):
        yield progress
        return
    with show_progress(quiet=not progress) as tell:
        yield tell


@contextmanager
def _beating(lines: Lines) -> Iterator[None]:
    """Repeat the step that lasts, also while the work itself tells nothing."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(1.0):
            lines.beat()

    thread = threading.Thread(target=beat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class Lines:
    """Progress as lines: the first news of a step, then one every few seconds, then its end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._said = 0.0
        self._step, self._share = "", ""
        self._ended = False

    def tell(self, step: str, done: int, total: int) -> None:
        """Print a line if there is news to tell."""
        now = self._clock()
        ends = 0 < total <= done
        name = step.partition(DETAIL)[0]
        if name == self._step and (self._ended or (not ends and now - self._said < EVERY_S)):
            return
        self._step, self._said, self._ended = name, now, ends
        self._text = step
        self._share = f": {done:,} of {total:,}" if total else ""
        self._print(now)

    def beat(self) -> None:
        """Print the last line again, with the time, where a step lasts and tells nothing."""
        now = self._clock()
        if self._step and not self._ended and now - self._said >= EVERY_S:
            self._said = now
            self._print(now)

    def _print(self, now: float) -> None:
        note(f"{plain(self._text)}{self._share} ({now - self._started:.0f} s)")


@contextmanager
def _bars() -> Iterator[Tell]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            name = step.partition(DETAIL)[0]
            text = escape(plain(step))
            if name not in tasks:
                _finish(bars, tasks)
                tasks[name] = bars.add_task(text, total=total or None)
            bars.update(tasks[name], description=text, completed=done, total=total or None)

        try:
            yield tell
        finally:
            _finish(bars, tasks)


def _finish(bars: Any, tasks: Mapping[str, TaskID]) -> None:
    """Stop the clock of steps of unknown size, which end when the next begins."""
    for task in tasks.values():
        if bars.tasks[task].total is None:
            bars.update(task, total=1, completed=1)
