"""Work done by the workers of a Ray cluster: retried where a worker dies, results in order.

Ray sends functions by their names and results as arrays. Whoever reaches a cluster's ports runs
code on it, so it belongs on a network of one's own.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TypeVar

from store.errors import UserError

Shared = TypeVar("Shared")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

RETRIES = 3
"""Times a piece is done anew where the worker that did it died."""
AHEAD = 2
"""Pieces a worker that are handed out at once: more would only fill the memory with results."""

PATIENCE_S = 5.0
"""Seconds that a cluster's address has to answer."""

_WORKERS = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}


class RayEngine:
    """Workers of a cluster.

    Parameters
    ----------
    ray
        The library, initialised.
    """

    elsewhere = True

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    @property
    def name(self) -> str:
        """Ray and how many cores its workers have."""
        return f"Ray, {self.workers} workers"

    @property
    def workers(self) -> int:
        """Pieces that are done at the same time: one for each core of the cluster."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    @classmethod
    @contextmanager
    def started(cls, address: str | None = None, workers: int | None = None) -> Iterator[RayEngine]:
        """Start a cluster on this machine, or join one; it is left, or stopped, at the end.

        Parameters
        ----------
        address
            Of a cluster that runs; None starts one.
        workers
            Of a cluster that is started; None takes the cores of the machine.

        Raises
        ------
        UserError
            If Ray is not installed, or no cluster answers at the address.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            ray: Any = import_module("ray")
        except ImportError:
            raise UserError(
                "--on ray needs Ray; install it with: pip install 'interest-profiler[ray]'"
            ) from None
        if address:
            _refuse_unreachable(address)
        ours = not ray.is_initialized()
        if ours:
            own: dict[str, Any] = (
                {} if address else {"num_cpus": workers, "include_dashboard": False}
            )
            try:
                ray.init(
                    address=address,
                    log_to_driver=False,
                    logging_level="error",
                    runtime_env={"env_vars": _WORKERS},
                    **own,
                )
            except (ConnectionError, OSError, RuntimeError, ValueError, TimeoutError) as error:
                raise UserError(
                    f"no Ray cluster at {address or 'this machine'}: {error}"
                ) from error
        try:
            yield cls(ray)
        finally:
            if ours:
                ray.shutdown()

    def each(
        self,
        work: Callable[[Shared, Piece], Result],
        shared: Shared,
        pieces: Iterable[Piece],
    ) -> Iterator[Result]:
        """Do the pieces on the workers; see :class:`store.engines.engine.Engine`."""
        held = self._ray.put(shared)
        remote = self._ray.remote(max_retries=RETRIES)(work)
        waiting: deque[Any] = deque()
        for piece in pieces:
            waiting.append(remote.remote(held, piece))
            if len(waiting) >= AHEAD * self.workers:
                yield self._result(waiting.popleft())
        while waiting:
            yield self._result(waiting.popleft())

    def _result(self, reference: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:
            raise error.cause from error
        except errors.RayError as error:
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"workers of the Ray cluster ended {RETRIES + 1} times over the same piece of work "
                f"({first}); what is stored stays: mend the cluster and run the command again"
            ) from error


def _refuse_unreachable(address: str) -> None:
    """Refuse an address that nobody listens at; Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():  # such as auto
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
    except OSError as error:
        raise UserError(f"no Ray cluster at {address}: {error}") from error
