"""One writer for a store, beside the event loop: what is waiting is committed together.

A job is durable when its await returns. Under load many jobs share one commit, so that one fsync
an answer costs no throughput; the loop itself never waits for the disk. While another program holds
the store, jobs wait for it: what they carry may have been paid for.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from store.db.engine import in_use
from store.store import Store

T = TypeVar("T")
_Waiting = tuple[Callable[[], Any], "asyncio.Future[Any]"]
MOST_TOGETHER = 64
PAUSE_S = 0.2
log = logging.getLogger(__name__)


class Writer:
    """Runs write jobs in one thread: ``async with Writer(store) as writer``.

    A job is a function without arguments that uses the store's repositories; it may run again,
    the time before being rolled back, when a job beside it fails or the store is locked.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._jobs: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._told = False
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)

    async def __aenter__(self) -> Writer:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def do(self, job: Callable[[], T]) -> T:
        """Run ``job`` in a write transaction; return its result once it is committed.

        While another program holds the store, it is tried again; once a caller is cancelled, the
        run is being stopped and each waiting job gets one more try, of the store's busy timeout.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((job, future))
        # A cancelled caller must not take back what the thread is about to commit.
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._stopping.set()
            raise

    def soon(self, job: Callable[[], object]) -> None:
        """Have ``job`` run without waiting for it: its failure is nobody's."""
        future: asyncio.Future[Any] = self._loop.create_future()
        future.add_done_callback(lambda done: done.exception())
        self._jobs.put((job, future))

    def _work(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < MOST_TOGETHER and not last:
                try:
                    waiting = self._jobs.get_nowait()
                except queue.Empty:
                    break
                last = waiting is None
                if waiting is not None:
                    batch.append(waiting)
            done = self._together(batch)
            self._loop.call_soon_threadsafe(_resolve, done)
            if last:
                break

    def _together(self, batch: list[_Waiting]) -> list[tuple[asyncio.Future[Any], Any, bool]]:
        """Commit a batch; if any of its jobs fails, each by itself."""
        try:
            results = self._commit(batch)
        except Exception as error:
            if len(batch) == 1:
                return [(batch[0][1], error, True)]
            return [outcome for one in batch for outcome in self._together([one])]
        futures = [future for _, future in batch]
        return [(future, result, False) for future, result in zip(futures, results, strict=True)]

    def _commit(self, batch: list[_Waiting]) -> list[Any]:
        """Run the jobs in one transaction, as soon as no other program holds the store."""
        while True:
            try:
                with self._store.write():
                    return [job() for job, _ in batch]
            except Exception as error:
                self._store.responses.recount()
                if not in_use(error) or self._stopping.is_set():
                    raise
            self._tell()
            self._stopping.wait(PAUSE_S)

    def _tell(self) -> None:
        if not self._told:
            log.warning(
                "another program is writing to %s; answers wait until it is done", self._store.path
            )
        self._told = True


def _resolve(done: list[tuple[asyncio.Future[Any], Any, bool]]) -> None:
    for future, result, failed in done:
        if future.done():
            continue
        if failed:
            future.set_exception(result)
        else:
            future.set_result(result)
