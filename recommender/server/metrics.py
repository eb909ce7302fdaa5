"""Counts of the service in the text form that Prometheus reads."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Upper bounds of the buckets: of answering times, and of batches. Our choice."""


class Histogram:
    """How often values fell under each bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds, self.counts = tuple(bounds), [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        place = next((n for n, bound in enumerate(self.bounds) if value <= bound), -1)
        self.counts[place] += 1
        self.total += value

    def lines(self, name: str, labels: str) -> list[str]:
        """The histogram as Prometheus reads it."""
        joined = f"{labels}," if labels else ""
        lines, below = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            below += count
            shown = "+Inf" if bound == float("inf") else f"{bound:g}"
            lines.append(f'{name}_bucket{{{joined}le="{shown}"}} {below}')
        suffix = f"{{{labels}}}" if labels else ""
        return [*lines, f"{name}_sum{suffix} {self.total:g}", f"{name}_count{suffix} {below}"]


class Metrics:
    """Requests by path and status, how long they took, and how large batches were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, int], int] = defaultdict(int)
        self._seconds: dict[str, Histogram] = {}
        self._batches = Histogram(SIZES)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answer.

        Parameters
        ----------
        path
            Of the route, never of the request: paths that do not exist count as one.
        status
            HTTP status.
        seconds
            How long it took.
        """
        with self._lock:
            self._requests[path, status] += 1
            self._seconds.setdefault(path, Histogram(SECONDS)).add(seconds)

    def batched(self, size: int) -> None:
        """Count a batch."""
        with self._lock:
            self._batches.add(size)

    def text(self, waiting: int) -> str:
        """Everything, and how many requests wait now."""
        with self._lock:
            requests, seconds = "recommender_requests_total", "recommender_request_seconds"
            lines = [f"# TYPE {requests} counter"]
            for (path, status), count in sorted(self._requests.items()):
                lines.append(f'{requests}{{path="{path}",status="{status}"}} {count}')
            lines.append(f"# TYPE {seconds} histogram")
            for path, histogram in sorted(self._seconds.items()):
                lines += histogram.lines(seconds, f'path="{path}"')
            lines.append("# TYPE recommender_batch_size histogram")
            lines += self._batches.lines("recommender_batch_size", "")
            lines += ["# TYPE recommender_waiting gauge", f"recommender_waiting {waiting}"]
        return "\n".join(lines) + "\n"
