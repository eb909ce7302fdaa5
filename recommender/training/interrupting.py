"""Ctrl-C as a request that a loop reads between its steps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from recommender.base import distributed


@contextmanager
def interruptible(stop: Callable[[], bool] | None) -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a request that the loop reads between steps.

    A second one interrupts at once. Outside the main thread only ``stop`` is asked.
    """
    pressed = threading.Event()
    asked = stop or (lambda: False)
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()
        if distributed.first_process():  # os.write, because a handler may interrupt a print
            os.write(2, b"stopping after this step; Ctrl-C again stops at once\n")

    signal.signal(signal.SIGINT, press)
    try:
        yield lambda: asked() or pressed.is_set()
    finally:
        signal.signal(signal.SIGINT, before)
