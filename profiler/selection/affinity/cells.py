"""Neighbours by cells: rows are compared with the candidates of nearby cells only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from profiler.kernels.blocks import in_threads
from profiler.selection.affinity.geometry import (
    FloatMatrix,
    IntVector,
    left_form,
    right_form,
    target_mean,
)
from profiler.selection.affinity.greatest import piece_length, select_greatest
from profiler.selection.affinity.messages import Candidates
from store.engines.engine import current

Tell = Callable[[str, int, int], None]
STEP = "neighbours of users"

# Candidates that a row is compared with where cells are used, those of the nearest cells.
REACH = 65_536

# Nearest cells that each row of a cell votes for.
_VOTES = 16

# Rows of the cells that one worker is given at once, about.
_PIECE = 4_096


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


class _Side(NamedTuple):
    """Candidates in the order of their cells, and what a search needs to know of them."""

    right: FloatMatrix
    held: IntVector
    last: IntVector
    reach: int
    k: int


class _Cell(NamedTuple):
    """Rows of one cell: where they begin, their side of the product, nearest cells, own numbers."""

    begin: int
    left: FloatMatrix
    near: NDArray[np.int32]
    own: NDArray[np.int32]


def cell_neighbours(
    vectors: FloatMatrix,
    candidates: Candidates,
    k: int,
    seed: int = 0,
    reach: int = REACH,
    tell: Tell | None = None,
) -> Graph:
    """Like :func:`.neighbours.exact_neighbours`, but rows are compared with nearby cells only.

    faiss divides the space into about 4 sqrt(m) cells by k-means. The rows of a cell vote for
    their nearest cells and are compared, by one matrix product, with the candidates of those that
    got most votes: with at least ``reach`` candidates in all.

    Raises
    ------
    ImportError
        Where faiss is not installed.
    """
    near = _nearest_cells(vectors, candidates, seed)
    everyone = len(candidates.rows) == len(vectors)
    rows = np.argsort(near[:, 0], kind="stable")
    of_candidates = near[candidates.rows, 0]
    order = rows if everyone else np.argsort(of_candidates, kind="stable")
    rank = np.empty(len(order) + 1, dtype=np.int32)
    rank[order], rank[-1] = np.arange(len(order)), -1
    own = rank[candidates.own[rows]]
    mean = target_mean(vectors if everyone else vectors[candidates.rows])
    left = left_form(vectors, mean, rows)
    held = np.bincount(of_candidates, minlength=int(near.max()) + 1)
    right = right_form(vectors, mean, candidates.rows[order])
    side = _Side(right, held, np.cumsum(held), max(reach, k + 1), k)
    ends = np.cumsum(np.bincount(near[:, 0], minlength=len(held)))
    cells = [
        _Cell(begin, left[begin:end], near[rows[begin:end]], own[begin:end])
        for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
        if begin < end
    ]
    found = np.empty((len(left), k), dtype=np.int32)
    similarity = np.empty((len(left), k), dtype=np.float32)
    done: list[int] = []

    def keep(cell: _Cell, columns: NDArray[np.int32], values: FloatMatrix) -> None:
        part = slice(cell.begin, cell.begin + len(cell.left))
        found[part], similarity[part] = columns, values
        done.append(len(cell.left))
        if tell is not None:
            tell(STEP, sum(done), len(left))

    engine = current()
    if engine.elsewhere:
        pieces = list(_together(cells))
        for piece, results in zip(pieces, engine.each(_search_cells, side, pieces), strict=True):
            for cell, result in zip(piece, results, strict=True):
                keep(cell, *result)
    else:
        in_threads(
            lambda number: keep(cells[number], *_search_cell(side, cells[number])),
            range(len(cells)),
            len(left) * reach,
        )
    return Graph(found, similarity, rows, order, own)


def _together(cells: list[_Cell]) -> Iterator[list[_Cell]]:
    """Cells in groups of at least :data:`_PIECE` rows."""
    piece: list[_Cell] = []
    for cell in cells:
        piece.append(cell)
        if sum(len(one.left) for one in piece) >= _PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _search_cells(side: _Side, cells: list[_Cell]) -> list[tuple[NDArray[np.int32], FloatMatrix]]:
    return [_search_cell(side, cell) for cell in cells]


def _search_cell(side: _Side, cell: _Cell) -> tuple[NDArray[np.int32], FloatMatrix]:
    """The most similar candidates of the rows of one cell, by number in the graph."""
    chosen = _voted(cell.near, side.held, side.reach)
    columns = np.concatenate([np.arange(side.last[c] - side.held[c], side.last[c]) for c in chosen])
    targets, step = side.right[columns], piece_length(len(columns), side.k)
    # A row is among its own cell's candidates, which always come first in the vote.
    place = np.searchsorted(columns, cell.own).astype(np.int32)
    place[cell.own < 0] = -1
    found = np.empty((len(cell.left), side.k), dtype=np.int32)
    similarity = np.empty((len(cell.left), side.k), dtype=np.float32)
    for start in range(0, len(cell.left), 256):
        part = slice(start, start + 256)
        block = cell.left[part] @ targets.T
        select_greatest(block, place[part], step, found[part], similarity[part])
        found[part] = columns[found[part]]
    return found, similarity


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
