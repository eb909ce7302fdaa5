"""The k most similar candidates of every user: exact by blocked matrix products, or by cells."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from profiler.kernels.blocks import each_block, in_threads
from profiler.kernels.jit import greater, helper, worker
from profiler.selection.affinity.geometry import (
    FloatMatrix,
    FloatVector,
    IntVector,
    left_form,
    product_form,
    right_form,
    target_mean,
)
from profiler.selection.affinity.messages import Candidates

log = logging.getLogger(__name__)

Tell = Callable[[str, int, int], None]

# Beyond this many rows the n^2 products cost more than cells with their small loss.
EXACT_ROWS = 50_000

# Candidates that a row is compared with where cells are used, those of the nearest cells.
REACH = 65_536

# Nearest cells that each row of a cell votes for.
_VOTES = 16


@dataclass(frozen=True)
class Graph:
    """The most similar candidates of every row.

    Rows and candidates are renumbered, so that those near to each other lie near in memory: among
    a million users the messages would else wait for memory most of the time.

    Attributes
    ----------
    columns
        int32 ``[n, k]`` candidates by their number in the graph, ascending in exact graphs.
    similarities
        ``[n, k]``.
    rows
        ``[n]`` the row of the input that each row of the graph is.
    candidates
        ``[m]`` the column of :class:`Candidates` that each candidate of the graph is.
    own
        int32 ``[n]`` the number of a row as a candidate, -1 for a row that is none.
    """

    columns: NDArray[np.int32]
    similarities: FloatMatrix
    rows: IntVector
    candidates: IntVector
    own: NDArray[np.int32]


@helper
def _order(bits: Any) -> Any:
    """The bits of a float as a number of the same order, and back."""
    return bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF))


@helper
def _peak(values: FloatVector) -> np.float32:
    high = np.float32(-np.inf)
    for j in range(values.shape[0]):
        high = greater(high, values[j])
    return high


@helper
def _at_least(keys: NDArray[np.int32], bound: Any) -> Any:
    count = np.int32(0)
    for j in range(keys.shape[0]):
        count += np.int32(keys[j] >= bound)
    return count


@helper
def _bound(keys: NDArray[np.int32], k: int, most: int) -> np.int32:
    """A key that at least ``k`` and at most ``most`` keys reach, else the k-th greatest.

    Halving counts without a branch for each key, which is faster than sorting a few hundred.
    """
    low = np.int64(keys[0])
    high = low
    for j in range(keys.shape[0]):
        low = min(low, np.int64(keys[j]))
        high = max(high, np.int64(keys[j]))
    high += 1
    while high - low > 1:
        middle = (low + high) >> 1
        count = _at_least(keys, np.int32(middle))
        if count < k:
            high = middle
            continue
        low = middle
        if count <= most:
            break
    return np.int32(low)


@helper
def _keep(
    row: FloatVector,
    keys: NDArray[np.int32],
    places: NDArray[np.int32],
    found: NDArray[np.int32],
    similarity: FloatVector,
) -> None:
    """Write the k greatest in their order, of equals at the bound the first."""
    k = found.shape[0]
    last = _bound(keys, k, k)
    equal = k
    for e in range(keys.shape[0]):
        equal -= keys[e] > last
    out = 0
    for e in range(keys.shape[0]):
        if keys[e] > last or (keys[e] == last and equal > 0):
            equal -= keys[e] == last
            found[out] = places[e]
            similarity[out] = min(np.float32(0), row[places[e]])
            out += 1


@worker
def _select(
    block: FloatMatrix,
    own: NDArray[np.int32],
    step: int,
    found: NDArray[np.int32],
    similarity: FloatMatrix,
) -> None:
    """Write the k greatest of each row in the order of columns; its own column is passed over.

    The k-th greatest of the peaks of short pieces bounds the k-th greatest value from below, so
    only pieces whose peak reaches it are looked into. Of equals at the bound the first are taken.
    """
    n, m = block.shape
    k = found.shape[1]
    pieces = (m + step - 1) // step
    peaks = np.empty(pieces, dtype=np.float32)
    marks = peaks.view(np.int32)
    values = np.empty(m + 1, dtype=np.float32)  # one more, because each is written, then kept
    keys = values.view(np.int32)
    places = np.empty(m + 1, dtype=np.int32)
    for i in range(n):
        row = block[i]
        if own[i] >= 0:
            row[own[i]] = -np.inf
        for c in range(pieces):
            peaks[c] = _peak(row[c * step : min(m, (c + 1) * step)])
        for c in range(pieces):
            marks[c] = _order(marks[c])
        mark = _bound(marks, k, k + k // 8)
        keys[m] = _order(mark)
        limit = values[m]
        size = 0
        for c in range(pieces):
            if marks[c] >= mark:
                for j in range(c * step, min(m, (c + 1) * step)):
                    values[size] = row[j]
                    places[size] = j
                    size += row[j] >= limit
        for e in range(size):
            keys[e] = _order(keys[e])
        _keep(row, keys[:size], places, found[i], similarity[i])


def _step(columns: int, k: int) -> int:
    """Length of the pieces: whole vector registers, and at least eight pieces for each of k."""
    if columns >= 32 * k:
        return 16 * max(1, columns // (128 * k))
    return 4 if columns >= 8 * k else 1


def exact_neighbours(
    vectors: FloatMatrix, candidates: Candidates, k: int, tell: Tell | None = None
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
    tell
        Called with (step, rows done, rows).

    Returns
    -------
    columns int32 ``[n, k]``, ascending in each row, and similarities ``[n, k]``.
    """
    left, right = product_form(vectors, vectors[candidates.rows])
    found = np.empty((len(left), k), dtype=np.int32)
    similarity = np.empty((len(left), k), dtype=np.float32)
    step = _step(len(right), k)

    def use(block: FloatMatrix, start: int, stop: int) -> None:
        part = slice(start, stop)
        _select(block, candidates.own[part], step, found[part], similarity[part])
        if tell is not None:
            done.append(stop - start)
            tell("neighbours of users", sum(done), len(left))

    done: list[int] = []
    each_block(left, right, use)
    return found, similarity


def cell_neighbours(
    vectors: FloatMatrix,
    candidates: Candidates,
    k: int,
    seed: int = 0,
    reach: int = REACH,
    tell: Tell | None = None,
) -> Graph:
    """Like :func:`exact_neighbours`, but rows are compared with nearby cells only.

    faiss divides the space into about 4 sqrt(m) cells by k-means. The rows of a cell vote for
    their nearest cells and are compared, by one matrix product, with the candidates of those that
    got most votes: with at least ``reach`` candidates in all.

    Raises
    ------
    ImportError
        Where faiss is not installed.
    """
    near = _nearest_cells(vectors, candidates, seed)
    cells = int(near.max()) + 1
    everyone = len(candidates.rows) == len(vectors)
    rows = np.argsort(near[:, 0], kind="stable")
    of_candidates = near[candidates.rows, 0]
    order = rows if everyone else np.argsort(of_candidates, kind="stable")
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order], rank[-1] = np.arange(len(order)), -1
    own = rank[candidates.own[rows]]
    mean = target_mean(vectors if everyone else vectors[candidates.rows])
    left = left_form(vectors, mean, rows)
    right = right_form(vectors, mean, candidates.rows[order])
    ends = np.cumsum(np.bincount(near[:, 0], minlength=cells))
    held = np.bincount(of_candidates, minlength=cells)
    last = np.cumsum(held)
    found = np.empty((len(left), k), dtype=np.int32)
    similarity = np.empty((len(left), k), dtype=np.float32)

    def work(cell: int) -> None:
        begin, end = int(ends[cell - 1]) if cell else 0, int(ends[cell])
        if begin == end:
            return
        chosen = _voted(near[rows[begin:end]], held, max(reach, k + 1))
        columns = np.concatenate([np.arange(last[c] - held[c], last[c]) for c in chosen])
        targets, step = right[columns], _step(len(columns), k)
        # A row is among its own cell's candidates, which always come first in the vote.
        place = np.searchsorted(columns, own[begin:end]).astype(np.int32)
        place[own[begin:end] < 0] = -1
        for start in range(begin, end, 256):
            part = slice(start, min(end, start + 256))
            block = left[part] @ targets.T
            inside = place[start - begin : part.stop - begin]
            _select(block, inside, step, found[part], similarity[part])
            found[part] = columns[found[part]]
        if tell is not None:
            done.append(end - begin)
            tell("neighbours of users", sum(done), len(left))

    done: list[int] = []
    in_threads(work, range(cells), len(left) * reach)
    return Graph(found, similarity, rows, order, own)


def _voted(near: NDArray[np.int32], held: IntVector, reach: int) -> IntVector:
    """The cells of the most votes that together hold ``reach`` candidates, ascending."""
    weights = np.tile(1.0 / np.arange(1, near.shape[1] + 1), len(near))
    votes = np.bincount(near.ravel(), weights, minlength=len(held))
    votes[near[0, 0]] = np.inf
    best = np.argsort(-votes, kind="stable")
    enough = int(np.searchsorted(np.cumsum(held[best]), reach)) + 1
    return np.sort(best[:enough])


def _nearest_cells(vectors: FloatMatrix, candidates: Candidates, seed: int) -> NDArray[np.int32]:
    """The nearest cells of each row, nearest first, int32 ``[n, 16]``."""
    import faiss

    moved = vectors - vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    targets = moved if len(candidates.rows) == len(moved) else moved[candidates.rows]
    count = max(1, min(int(4 * np.sqrt(len(targets))), len(targets) // 40))
    training = faiss.Clustering(moved.shape[1], count)
    training.seed, training.niter = seed + 1, 6
    training.max_points_per_centroid = 64
    index = faiss.IndexFlatL2(moved.shape[1])
    training.train(targets, index)
    near = np.empty((len(moved), min(_VOTES, count)), dtype=np.int32)
    for start in range(0, len(moved), 65_536):
        part = slice(start, start + 65_536)
        near[part] = index.search(moved[part], near.shape[1])[1]
    return near


def neighbours(
    vectors: FloatMatrix,
    candidates: Candidates,
    k: int,
    seed: int = 0,
    tell: Tell | None = None,
) -> Graph:
    """Neighbours exact up to 50,000 rows, by cells beyond; exact with a warning without faiss.

    Parameters
    ----------
    vectors
        ``[n, d]``.
    candidates
        Rows that may be exemplars: neighbours are among them.
    k
        Neighbours of each row.
    seed
        Decides the cells.
    tell
        Called with (step, rows done, rows).
    """
    if len(vectors) > EXACT_ROWS:
        try:
            return cell_neighbours(vectors, candidates, k, seed, tell=tell)
        except ImportError:
            log.warning(
                "%d users are compared pair by pair because faiss is not installed; "
                "pip install 'interest-profiler[faiss]' makes this step many times faster",
                len(vectors),
            )
    found, similarity = exact_neighbours(vectors, candidates, k, tell)
    rows, columns = np.arange(len(vectors)), np.arange(len(candidates.rows))
    return Graph(found, similarity, rows, columns, candidates.own)
