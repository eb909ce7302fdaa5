"""The exact median of a large matrix, without a copy of it."""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from profiler.kernels.jit import kernel, threads_for

_CHUNKS = 4


@kernel
def _histogram(keys: NDArray[np.uint32], shift: int, prefix: int) -> NDArray[np.int64]:
    """Counts of 16 bits of the keys, of those only whose higher bits equal ``prefix``.

    Keys are the bits of floats that are at most nought: their order is the reverse of the floats'.
    """
    n = keys.shape[0]
    counts = np.zeros((_CHUNKS, 65536), dtype=np.int64)
    for chunk in prange(_CHUNKS):
        count = counts[chunk]
        for i in range(chunk * n // _CHUNKS, (chunk + 1) * n // _CHUNKS):
            key = np.int64(keys[i])
            if shift == 16:
                count[key >> 16] += 1
            elif key >> 16 == prefix:
                count[key & 65535] += 1
    total = np.zeros(65536, dtype=np.int64)
    for chunk in range(_CHUNKS):
        total += counts[chunk]
    return total


def _kth(keys: NDArray[np.uint32], k: int) -> np.float32:
    high = np.cumsum(_histogram(keys, 16, 0))
    prefix = int(np.searchsorted(high, k, side="right"))
    below = int(high[prefix - 1]) if prefix else 0
    low = np.cumsum(_histogram(keys, 0, prefix))
    suffix = int(np.searchsorted(low, k - below, side="right"))
    return np.float32(np.array([prefix << 16 | suffix], dtype=np.uint32).view(np.float32)[0])


def median(values: NDArray[np.float32]) -> float:
    """Exact median of float32 values that are all at most nought, by two counts of 16 bits each.

    Negative floats sort by their bits, so the middle value is found by counting; zeros of either
    sign count as one.
    """
    keys = values.reshape(-1).view(np.uint32)
    middle = len(keys) // 2
    with threads_for(len(keys)):
        upper = _kth(keys, middle)
        lower = upper if len(keys) % 2 else _kth(keys, middle - 1)
    return float((lower + upper) / np.float32(2))
