"""Requests that wait at the same time are answered by one pass of the model.

One thread takes what has queued up, at most a batch of it, and runs the model once. Nobody waits
for others to come: a request alone is a batch of one. The queue is bounded, so that an overload is
answered at once and not by ever longer waiting.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from recommender.server.errors import ServiceError
from recommender.serving.top_k import Ranked, recommend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recommender.backbones.base import Backbone

BATCH = 64
WAITING = 1_000
"""Requests in a batch at most, and requests that may wait. Our choices."""
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Place:
    """One item of a list: its number (``item_ix + 1``), score, and the interest that gave it."""

    number: int
    score: float
    interest: int


@dataclass
class _Waiting:
    history: NDArray[np.integer]
    k: int
    seen: bool
    answer: Future[list[Place]] = field(default_factory=Future)


class Batcher:
    """Lists of one model, batched. Use as a context manager.

    Parameters
    ----------
    model
        In evaluation mode.
    told
        Called with the size of each batch.
    batch, waiting, timeout_s
        Requests in a batch; requests that may wait; seconds until one is given up.
    """

    def __init__(
        self,
        model: Backbone,
        told: Callable[[int], None] = lambda size: None,
        *,
        batch: int = BATCH,
        waiting: int = WAITING,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._model, self._told = model, told
        self._batch, self._timeout = batch, timeout_s
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(waiting)
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)

    def __enter__(self) -> Batcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def waiting(self) -> int:
        """Requests that wait now."""
        return self._queue.qsize()

    def best(self, history: NDArray[np.integer], k: int, *, seen: bool) -> list[Place]:
        """Best items of a history, best first.

        Parameters
        ----------
        history
            item_ix, the oldest first; not empty.
        k
            Items wanted.
        seen
            Also items of the history.

        Raises
        ------
        ServiceError
            If too many wait already, or it took too long.
        """
        one = _Waiting(history, k, seen)
        try:
            self._queue.put_nowait(one)
        except queue.Full:
            raise ServiceError("overloaded", "too many requests wait; try again later") from None
        try:
            return one.answer.result(self._timeout)
        except FutureTimeoutError:
            one.answer.cancel()
            raise ServiceError("timeout", f"no answer in {self._timeout:g} s") from None

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = [first], False
            while len(batch) < self._batch:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    last = True
                    break
                batch.append(following)
            live = [one for one in batch if one.answer.set_running_or_notify_cancel()]
            for seen in (False, True):
                self._answer([one for one in live if one.seen is seen])
            if last:
                return

    def _answer(self, batch: Sequence[_Waiting]) -> None:
        """Run the model once for requests that treat seen items alike."""
        if not batch:
            return
        self._told(len(batch))
        try:
            most = max(one.k for one in batch)
            histories = [one.history for one in batch]
            ranked = recommend(self._model, histories, most, filter_seen=not batch[0].seen)
        except Exception as error:
            for one in batch:
                one.answer.set_exception(error)
            return
        for row, one in enumerate(batch):
            one.answer.set_result(_places(ranked, row, one.k))


def _places(ranked: Ranked, row: int, k: int) -> list[Place]:
    columns = (ranked.items[row, :k], ranked.scores[row, :k], ranked.interests[row, :k])
    rows = zip(*(torch.Tensor.tolist(column) for column in columns), strict=True)
    return [Place(*place) for place in rows if place[0]]
