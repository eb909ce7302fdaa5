"""Running coroutines from plain code, and letting signals stop them.

All runs of a process share one event loop in a thread of its own: LangChain keeps its HTTP clients
for the life of the process, and a client that meets a second loop fails with "Event loop is
closed". It also lets a notebook, whose own loop already runs, call plain functions.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}


def run_sync(work: Coroutine[Any, Any, T], on_signal: Callable[[], None]) -> T:
    """Run a coroutine to its end; SIGINT and SIGTERM call ``on_signal`` in its loop meanwhile."""
    loop = _shared_loop()
    future = asyncio.run_coroutine_threadsafe(work, loop)
    with _signals(lambda: loop.call_soon_threadsafe(on_signal)):
        return future.result()


def _shared_loop() -> asyncio.AbstractEventLoop:
    with _lock:
        pid = os.getpid()  # a forked child must not wait for its parent's thread
        if pid not in _loops:
            _loops[pid] = asyncio.new_event_loop()
            threading.Thread(target=_loops[pid].run_forever, name="asking", daemon=True).start()
        return _loops[pid]


@contextlib.contextmanager
def _signals(stop: Callable[[], object]) -> Iterator[None]:
    """Handle SIGINT and SIGTERM, where this is the thread that may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stop())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
