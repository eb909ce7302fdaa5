"""Small linear algebra that several rooms need: principal axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def principal_axes(centred: NDArray[np.floating], width: int) -> NDArray[np.float64]:
    """Principal axes of centred rows, those of the largest variance first.

    The sign of each is fixed by its largest entry, so that the result depends on the rows alone.

    Parameters
    ----------
    centred
        ``[n, d]``, columns with mean zero.
    width
        How many axes are wanted.

    Returns
    -------
    float64 ``[d, min(width, d)]``, orthonormal columns.
    """
    exact = np.asarray(centred, dtype=np.float64)
    values, vectors = np.linalg.eigh(exact.T @ exact)
    basis = vectors[:, np.argsort(-values, kind="stable")[: min(width, exact.shape[1])]]
    signed: NDArray[np.float64] = basis * np.sign(
        basis[np.abs(basis).argmax(0), np.arange(basis.shape[1])]
    )
    return signed
