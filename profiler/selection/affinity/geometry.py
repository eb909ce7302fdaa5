"""Similarity of users: negative squared Euclidean distance between their vectors."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from profiler.kernels.blocks import each_block, rows_of_block
from store.engines.engine import current, spans

FloatMatrix: TypeAlias = NDArray[np.float32]
FloatVector: TypeAlias = NDArray[np.float32]
IntVector: TypeAlias = NDArray[np.int64]

# Floats of one block of similarities: 64 MiB, small beside the vectors and large enough for BLAS.
BLOCK_FLOATS = 16 * 2**20
_COLUMNS = 64
_PIECE_BLOCKS = 8
"""Blocks of rows that one worker is given at once."""


def check_vectors(vectors: NDArray[Any]) -> FloatMatrix:
    """Vectors as contiguous float32 ``[n, d]``.

    Raises
    ------
    ValueError
        If the array is not two-dimensional, has no rows, or holds NaN or infinity.
    """
    matrix = np.ascontiguousarray(vectors, dtype=np.float32)
    if matrix.ndim != 2 or matrix.shape[0] == 0 or matrix.shape[1] == 0:
        raise ValueError(f"vectors must be a matrix [n, d] with n, d > 0, not {matrix.shape}")
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        raise ValueError(f"vector {row} holds NaN or infinity; leave it out or mend it")
    return matrix


def center_vectors(vectors: NDArray[Any], mean: NDArray[Any] | None = None) -> FloatMatrix:
    """Subtract ``mean`` and scale every row to unit length.

    Mean vectors of long histories crowd around the mean of the catalogue; what tells users apart
    is what remains without it.

    Parameters
    ----------
    vectors
        ``[n, d]``.
    mean
        ``[d]``, the mean vector of the catalogue's items; None takes the mean of the rows that
        are not zero.

    Returns
    -------
    float32 ``[n, d]``. A row that is zero before or after stays zero.
    """
    matrix = np.asarray(vectors, dtype=np.float32)
    known = np.any(matrix != 0, axis=1)
    if mean is None:
        mean = matrix[known].mean(axis=0, dtype=np.float64) if known.any() else np.zeros(1)
    moved = matrix - np.asarray(mean, dtype=np.float32)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    # Rounding leaves a rest of about 1e-7 where a row equals the mean: that direction is noise.
    usable = known[:, None] & (length > 1e-6)
    return np.where(usable, moved / np.where(usable, length, 1), 0).astype(np.float32)


def product_form(vectors: FloatMatrix, targets: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Two matrices whose product ``left @ right.T`` is the similarity, rounding aside.

    Uses -|x - y|^2 = 2 x.y - |x|^2 - |y|^2, so one matrix product does everything. Both sides are
    moved by the mean of the targets first: that changes no distance and keeps numbers small.
    """
    mean = target_mean(targets)
    return left_form(vectors, mean), right_form(targets, mean)


def target_mean(targets: FloatMatrix) -> FloatVector:
    """What both sides of a product are moved by, ``[d]``."""
    mean: FloatVector = targets.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def left_form(
    vectors: FloatMatrix, mean: FloatVector, rows: IntVector | None = None
) -> FloatMatrix:
    """The left side of :func:`product_form`, float32 ``[n, d + 2]``, of some rows in order."""
    return _with_squares(vectors, mean, rows, scale=1, squares_first=True)


def right_form(
    targets: FloatMatrix, mean: FloatVector, rows: IntVector | None = None
) -> FloatMatrix:
    """The right side of :func:`product_form`, float32 ``[m, d + 2]``, of some rows in order."""
    return _with_squares(targets, mean, rows, scale=2, squares_first=False)


def _with_squares(
    vectors: FloatMatrix,
    mean: FloatVector,
    rows: IntVector | None,
    *,
    scale: int,
    squares_first: bool,
) -> FloatMatrix:
    """Block by block, because copies of a million vectors would fill the memory."""
    size, d = (len(vectors) if rows is None else len(rows)), vectors.shape[1]
    made = np.empty((size, d + 2), dtype=np.float32)
    ones, squares = (d + 1, d) if squares_first else (d, d + 1)
    made[:, ones] = 1
    step = max(1, BLOCK_FLOATS // d)
    for start in range(0, size, step):
        part = slice(start, start + step)
        moved = vectors[part if rows is None else rows[part]] - mean
        made[part, squares] = -np.einsum("ij,ij->i", moved, moved, dtype=np.float64)
        made[part, :d] = moved if scale == 1 else scale * moved
    return made


def nearest(vectors: FloatMatrix, targets: FloatMatrix) -> IntVector:
    """Index of the most similar target of each row, ``[n]``; of equals the first."""
    mean = target_mean(targets)
    right = right_form(targets, mean)
    engine = current()
    if not engine.elsewhere:
        return _nearest((right, mean), vectors)
    step = _PIECE_BLOCKS * rows_of_block(len(right))  # whole blocks: the same products, so alike
    pieces = (vectors[start:stop] for start, stop in spans(len(vectors), step))
    found = list(engine.each(_nearest, (right, mean), pieces))
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _nearest(shared: tuple[FloatMatrix, FloatVector], vectors: FloatMatrix) -> IntVector:
    right, mean = shared
    labels = np.empty(len(vectors), dtype=np.int64)

    def use(block: FloatMatrix, start: int, stop: int) -> None:
        np.argmax(block, axis=1, out=labels[start:stop])

    each_block(left_form(vectors, mean), right, use)
    return labels


def squares_from(
    vectors: FloatMatrix, centre: NDArray[Any], rows: IntVector | None = None
) -> NDArray[Any]:
    """Squared distance of rows (all, or some) to one place, block by block, ``[n]``."""
    size = len(vectors) if rows is None else len(rows)
    step = max(1, BLOCK_FLOATS // vectors.shape[1])
    parts = [slice(start, start + step) for start in range(0, size, step)]
    return np.concatenate(
        [((vectors[p if rows is None else rows[p]] - centre) ** 2).sum(axis=1) for p in parts]
    )


def similarity_to(vectors: FloatMatrix, targets: FloatMatrix, labels: IntVector) -> FloatMatrix:
    """Exact similarity ``[n]`` of each row to the target that its label names."""
    out = np.empty(len(vectors), dtype=np.float32)
    rows = max(1, BLOCK_FLOATS // vectors.shape[1])
    for start in range(0, len(vectors), rows):
        part = slice(start, start + rows)
        gap = vectors[part] - targets[labels[part]]
        out[part] = -np.einsum("ij,ij->i", gap, gap, dtype=np.float64)
    return out


def medoids(
    vectors: FloatMatrix,
    labels: IntVector,
    clusters: int,
    weights: FloatMatrix | None = None,
    allowed: NDArray[np.bool_] | None = None,
) -> IntVector:
    """The member of each cluster with the greatest sum of similarities to its members.

    For squared distances that is the member nearest to the (weighted) mean. Equals (to one part in
    a million) go to the lowest row, so a cluster of two keeps its lower row.

    Returns
    -------
    ``[clusters]`` row indices; -1 for a cluster without an allowed member.
    """
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=clusters)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    filled = counts > 0
    mass = np.ones(len(vectors)) if weights is None else weights.astype(np.float64)
    shares = mass[order, None].astype(np.float32)
    means = np.zeros((clusters, vectors.shape[1]), dtype=np.float64)
    for start in range(0, vectors.shape[1], _COLUMNS):  # all at once would take thrice the memory
        some = slice(start, start + _COLUMNS)
        weighted = (vectors[:, some][order] * shares).astype(np.float64)
        means[filled, some] = np.add.reduceat(weighted, starts[filled], axis=0)
    means[filled] /= np.bincount(labels, weights=mass, minlength=clusters)[filled, None]
    distance = -similarity_to(vectors, means.astype(np.float32), labels).astype(np.float64)
    if allowed is not None:
        distance[~allowed] = np.inf
    least = np.full(clusters, np.inf)
    np.minimum.at(least, labels, distance)
    close = np.isfinite(distance) & (distance <= least[labels] * (1 + 1e-6) + 1e-12)
    best = np.full(clusters, -1, dtype=np.int64)
    rows = np.flatnonzero(close)[::-1]
    best[labels[rows]] = rows
    return best
