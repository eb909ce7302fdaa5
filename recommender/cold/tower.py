"""An item tower: from the text of an item to a vector in the space of a trained model.

Ridge regression on the vectors of items that training saw, drawn not to zero but to a map that
keeps the inner products of texts: with an endless penalty, items are compared with a history as
their texts are, without any training. The penalty is chosen by how well items are found whose
vectors are taken from a tower that was fitted without them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)
"""In units of the mean variance of a text's coordinates, summed over the items."""
FOLDS = 5


@dataclass(frozen=True)
class Tower:
    """``vector = centre + (text - text_centre) @ weights``."""

    weights: NDArray[np.float64]
    text_centre: NDArray[np.float64]
    centre: NDArray[np.float64]

    def __call__(self, texts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors ``[n, d]`` of texts ``[n, d_t]``."""
        found: NDArray[np.float32] = (
            self.centre + (texts.astype(np.float64) - self.text_centre) @ self.weights
        ).astype(np.float32)
        return found


class Fitting:
    """Towers of all penalties from the same items: the costly part is done once.

    Parameters
    ----------
    texts
        ``[n, d_t]``.
    vectors
        ``[n, d]``, of the same items in the model.
    """

    def __init__(self, texts: NDArray[np.float32], vectors: NDArray[np.float32]) -> None:
        self._text_centre = texts.mean(0, dtype=np.float64)
        self._centre = vectors.mean(0, dtype=np.float64)
        x = texts.astype(np.float64) - self._text_centre
        y = vectors.astype(np.float64) - self._centre
        left, _, right = np.linalg.svd(x.T @ y, full_matrices=False)
        start = left @ right
        spread = float(np.square(x @ start).sum())
        self._start = start * np.sqrt(float(np.square(y).sum()) / spread) if spread else start
        self._values, self._axes = np.linalg.eigh(x.T @ x)
        self._target = self._axes.T @ (x.T @ (y - x @ self._start))
        self._unit = float(np.square(x).sum()) / max(x.shape[1], 1)

    def tower(self, penalty: float) -> Tower:
        """The tower of one penalty."""
        scaled = self._target / (self._values.clip(0) + penalty * self._unit + 1e-12)[:, None]
        return Tower(self._start + self._axes @ scaled, self._text_centre, self._centre)


def unseen_vectors(
    texts: NDArray[np.float32], vectors: NDArray[np.float32], seed: int = 0
) -> dict[float, NDArray[np.float32]]:
    """Vectors of items from towers that were fitted without them, ``[n, d]`` by penalty."""
    fold = np.random.default_rng(seed).permutation(len(texts)) % FOLDS
    found = {penalty: np.zeros(vectors.shape, dtype=np.float32) for penalty in PENALTIES}
    for number in range(FOLDS):
        inside, outside = fold != number, fold == number
        if not inside.any() or not outside.any():
            continue
        fitting = Fitting(texts[inside], vectors[inside])
        for penalty, rows in found.items():
            rows[outside] = fitting.tower(penalty)(texts[outside])
    return found
