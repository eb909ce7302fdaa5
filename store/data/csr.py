"""Compressed rows (CSR): where rows of given sizes start, one row, and the rows of the other side.

Row ``i`` of ``(indptr, values)`` is ``values[indptr[i]:indptr[i + 1]]``.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def starts(counts: ArrayLike) -> NDArray[np.int64]:
    """Bounds of consecutive rows of these sizes: 0, and the running sum; int64 ``[n + 1]``."""
    sizes = np.asarray(counts, dtype=np.int64)
    bounds = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=bounds[1:])
    return bounds


def row(indptr: NDArray[np.int64], values: NDArray[Scalar], i: int) -> NDArray[Scalar]:
    """Values of row ``i``, as a view.

    Parameters
    ----------
    indptr, values
        Of the CSR.
    i
        Number of the row, from 0.
    """
    return values[int(indptr[i]) : int(indptr[i + 1])]


def transpose(
    indptr: NDArray[np.int64], columns: NDArray[np.integer], n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """CSR from column to rows, rising, from the CSR ``(indptr, columns)`` from row to columns.

    Parameters
    ----------
    indptr, columns
        int64 ``[rows + 1]`` and ``[entries]``.
    n_columns
        Number of columns, empty ones included.

    Returns
    -------
    tuple
        int64 ``[n_columns + 1]`` and the rows, int64 ``[entries]``.
    """
    rows = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    order = np.argsort(columns, kind="stable")
    return starts(np.bincount(columns, minlength=n_columns)), rows[order]
