"""The k most similar candidates of every user: exact by blocked matrix products, or by faiss."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numba import prange
from numpy.typing import NDArray

from profiler.exemplars._jit import helper, kernel, threads_for
from profiler.exemplars.geometry import BLOCK_FLOATS, FloatMatrix, FloatVector, product_form
from profiler.exemplars.messages import Candidates

log = logging.getLogger(__name__)

# Beyond this many rows the n^2 products cost more than an inverted file with its small loss.
EXACT_ROWS = 50_000

# Similarity of an edge that stands for none, where an index found fewer than k neighbours. Finite,
# because infinities would meet in the messages.
NO_EDGE = np.float32(-1e30)


@helper
def _peak(values: FloatVector) -> np.float32:
    high = np.float32(-np.inf)
    for j in range(values.shape[0]):
        high = max(high, values[j])
    return high


@helper
def _keep(
    values: FloatVector,
    places: NDArray[np.int32],
    last: Any,
    found: NDArray[np.int32],
    similarity: FloatVector,
) -> None:
    """Write what exceeds ``last``, and of its equals the first, until all places are taken."""
    equal = found.shape[0]
    for j in range(values.shape[0]):
        if values[j] > last:
            equal -= 1
    e = 0
    for j in range(values.shape[0]):
        if values[j] > last or (values[j] == last and equal > 0):
            if values[j] == last:
                equal -= 1
            found[e] = places[j]
            similarity[e] = min(np.float32(0), values[j])
            e += 1


@kernel
def _select(
    block: FloatMatrix,
    own: NDArray[np.int32],
    found: NDArray[np.int32],
    similarity: FloatMatrix,
) -> None:
    """Write the k greatest of each row in the order of columns; its own column is passed over.

    The k-th greatest of the peaks of short pieces bounds the k-th greatest value from below, so
    only pieces whose peak reaches it are looked into. Of equals at the bound the first are taken.
    """
    n, m = block.shape
    k = found.shape[1]
    step = 16 if m >= 32 * k else (4 if m >= 8 * k else 1)
    pieces = (m + step - 1) // step
    for i in prange(n):
        row = block[i]
        if own[i] >= 0:
            row[own[i]] = -np.inf
        peaks = np.empty(pieces, dtype=np.float32)
        for c in range(pieces):
            peaks[c] = _peak(row[c * step : min(m, (c + 1) * step)])
        bound = np.partition(peaks, pieces - k)[pieces - k]
        values = np.empty(m, dtype=np.float32)
        places = np.empty(m, dtype=np.int32)
        size = 0
        for c in range(pieces):
            if peaks[c] >= bound:
                for j in range(c * step, min(m, (c + 1) * step)):
                    if row[j] >= bound:
                        values[size] = row[j]
                        places[size] = j
                        size += 1
        last = np.partition(values[:size], size - k)[size - k]
        _keep(values[:size], places[:size], last, found[i], similarity[i])


def exact_neighbours(
    vectors: FloatMatrix, candidates: Candidates, k: int
) -> tuple[NDArray[np.int32], FloatMatrix]:
    """The k most similar candidates of each row, itself left out, by matrix products.

    Parameters
    ----------
    vectors
        ``[n, d]``.
    candidates
        Which rows can be neighbours; neighbours are numbered as its columns.
    k
        At most the number of candidates less one.

    Returns
    -------
    columns int32 ``[n, k]``, ascending in each row, and similarities ``[n, k]``.
    """
    left, right = product_form(vectors, vectors[candidates.rows])
    found = np.empty((len(left), k), dtype=np.int32)
    similarity = np.empty((len(left), k), dtype=np.float32)
    rows = max(16, BLOCK_FLOATS // len(right))
    block = np.empty((min(rows, len(left)), len(right)), dtype=np.float32)
    for start in range(0, len(left), rows):
        stop = min(len(left), start + rows)
        part = block[: stop - start]
        np.matmul(left[start:stop], right.T, out=part)
        with threads_for(part.size):
            _select(part, candidates.own[start:stop], found[start:stop], similarity[start:stop])
    return found, similarity


def indexed_neighbours(
    vectors: FloatMatrix, candidates: Candidates, k: int, *, probes: int = 16, seed: int = 0
) -> tuple[NDArray[np.int32], FloatMatrix]:
    """Like :func:`exact_neighbours`, by an inverted file of faiss: a few neighbours are missed.

    The file has about 4 sqrt(m) lists and looks into ``probes`` of them; ``seed`` decides which
    rows its lists are made from.

    Raises
    ------
    ImportError
        Where faiss is not installed.
    """
    import faiss

    moved = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    targets = moved[candidates.rows]
    lists = int(4 * np.sqrt(len(targets)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(moved.shape[1]), moved.shape[1], lists)
    index.cp.seed = seed + 1
    index.cp.max_points_per_centroid = 64
    index.train(targets)
    index.add(targets)
    index.nprobe = probes
    found = np.empty((len(moved), k), dtype=np.int32)
    similarity = np.empty((len(moved), k), dtype=np.float32)
    for start in range(0, len(moved), 32_768):
        part = slice(start, start + 32_768)
        distances, places = index.search(moved[part], k + 1)
        found[part], similarity[part] = _without_self(distances, places, candidates.own[part])
    return found, similarity


def _without_self(
    distances: FloatMatrix, places: NDArray[np.int64], own: NDArray[np.int32]
) -> tuple[NDArray[np.int32], FloatMatrix]:
    """Drop the row itself (or its last neighbour); edges not found point at the first neighbour."""
    k = places.shape[1] - 1
    place_of_self = np.where(places == own[:, None], np.arange(k + 1), k).min(axis=1)
    columns = np.arange(k) + (np.arange(k) >= place_of_self[:, None])
    kept = np.take_along_axis(places, columns, axis=1)
    similarity = -np.take_along_axis(distances, columns, axis=1)
    missing = kept < 0
    similarity[missing] = NO_EDGE
    kept = np.where(missing, np.maximum(kept[:, :1], 0), kept)
    return kept.astype(np.int32), np.minimum(similarity, 0)


def neighbours(
    vectors: FloatMatrix, candidates: Candidates, k: int, seed: int = 0
) -> tuple[NDArray[np.int32], FloatMatrix]:
    """Neighbours exact up to 50,000 rows, by faiss beyond; exact with a warning without faiss."""
    if len(vectors) <= EXACT_ROWS:
        return exact_neighbours(vectors, candidates, k)
    try:
        return indexed_neighbours(vectors, candidates, k, seed=seed)
    except ImportError:
        log.warning(
            "%d users are compared pair by pair because faiss is not installed; "
            "pip install 'interest-profiler[faiss]' makes this step many times faster",
            len(vectors),
        )
        return exact_neighbours(vectors, candidates, k)
