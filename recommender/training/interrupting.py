"""Signals that end a program, as a request that a loop reads between its steps.

Ctrl-C (SIGINT), SIGTERM, which schedulers and containers send, and SIGHUP of a closed terminal are
treated alike: what is finished is kept.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from recommender.base import distributed

SIGNALS = tuple(
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if (number := getattr(signal, name, None)) is not None
)


@contextmanager
def interruptible(stop: Callable[[], bool] | None) -> Iterator[Callable[[], bool]]:
    """Turn the first of these signals into a request that the loop reads between steps.

    A second one interrupts at once. A signal that was ignored before, such as SIGHUP under nohup,
    stays ignored. Outside the main thread only ``stop`` is asked.
    """
    received = threading.Event()
    asked = stop or (lambda: False)
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def receive(number: int, frame: FrameType | None) -> None:
        if received.is_set():
            raise KeyboardInterrupt
        received.set()
        if distributed.first_process():  # os.write, because a handler may interrupt a print
            again = "Ctrl-C again" if number == signal.SIGINT else "a second signal"
            _write(f"stopping after this step; {again} stops at once\n".encode())

    before = {number: signal.getsignal(number) for number in SIGNALS}
    left_alone = (signal.SIG_IGN, None)  # None: a handler that Python did not install
    taken = [number for number, handler in before.items() if handler not in left_alone]
    for number in taken:
        signal.signal(number, receive)
    try:
        yield lambda: asked() or received.is_set()
    finally:
        for number in taken:
            signal.signal(number, before[number])


def _write(line: bytes) -> None:
    """To standard error, which is gone where the terminal was closed."""
    try:
        os.write(2, line)
    except OSError:
        return
