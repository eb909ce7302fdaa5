"""Products with many columns, made in blocks of rows by several threads.

A product that uses all threads and a kernel that uses all threads take turns badly: the threads of
one still wait busily while those of the other begin. So each thread multiplies alone, and works on
its product while that is in its cache. Products of one thread also round alike on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

# Floats of one product: 4 MiB, about what the cache of one core holds.
_FLOATS = 2**20
_LEAST_ROWS = 128

# Multiplications below which starting threads would take longer than the work.
_LITTLE = 50_000_000


def rows_of_block(columns: int) -> int:
    """How many rows a block of so many columns has."""
    return max(_LEAST_ROWS, _FLOATS // max(columns, 1))


def each_block(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    use: Callable[[NDArray[np.float32], int, int], Any],
) -> None:
    """Call ``use(left[start:stop] @ right.T, start, stop)`` for all blocks of rows.

    The product lies in memory that the same thread's next block overwrites.
    """
    rows = rows_of_block(len(right))
    mine = local()

    def work(start: int) -> None:
        stop = min(len(left), start + rows)
        if not hasattr(mine, "room"):
            mine.room = np.empty((min(rows, len(left)), len(right)), dtype=np.float32)
        part = mine.room[: stop - start]
        np.matmul(left[start:stop], right.T, out=part)
        use(part, start, stop)

    in_threads(work, range(0, len(left), rows), left.size * len(right))


def in_threads(work: Callable[[int], None], tasks: Sequence[int], cost: int) -> None:
    """Do ``work(task)`` for all tasks, by as many threads as numba has; ``cost`` in operations."""
    threads = min(numba.get_num_threads(), len(tasks))
    if cost < _LITTLE or threads < 2:
        with threadpool_limits(limits=1, user_api="blas"):
            for task in tasks:
                work(task)
        return
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work, tasks):  # raises what a thread raised
            pass
