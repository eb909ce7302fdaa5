"""The k most similar candidates of every user: exact by blocked matrix products, or by cells."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from profiler.kernels.blocks import each_block
from profiler.selection.affinity.cells import STEP, Graph, Tell, cell_neighbours
from profiler.selection.affinity.geometry import FloatMatrix, product_form
from profiler.selection.affinity.greatest import piece_length, select_greatest
from profiler.selection.affinity.messages import Candidates

log = logging.getLogger(__name__)

# Beyond this many rows the n^2 products cost more than cells with their small loss.
EXACT_ROWS = 50_000


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
    step = piece_length(len(right), k)

    def use(block: FloatMatrix, start: int, stop: int) -> None:
        part = slice(start, stop)
        select_greatest(block, candidates.own[part], step, found[part], similarity[part])
        if tell is not None:
            done.append(stop - start)
            tell(STEP, sum(done), len(left))

    done: list[int] = []
    each_block(left, right, use)
    return found, similarity


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
