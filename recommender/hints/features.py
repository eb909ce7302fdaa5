"""What a chooser reads of a history: its text vector in a few directions, and a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIRECTIONS = 12
"""Principal directions that are kept: with 500 cases and 20 hints more would fit noise."""


@dataclass(frozen=True)
class Features:
    """From text vectors ``[n, d]`` to features ``[n, p + 1]``, the constant last.

    Attributes
    ----------
    mean : float32 ``[d]``
    directions : float32 ``[d, p]``
        Scaled so that each feature has a variance of 1 / p over the cases it was fitted on.
    """

    mean: NDArray[np.float32]
    directions: NDArray[np.float32]

    @classmethod
    def fit(cls, contexts: NDArray[np.float32], directions: int = DIRECTIONS) -> Features:
        """The principal directions of some contexts."""
        mean = contexts.mean(0)
        _, sizes, rows = np.linalg.svd(contexts - mean, full_matrices=False)
        kept = [place for place in range(min(directions, len(rows))) if sizes[place] > 1e-6]
        scale = np.sqrt(len(contexts) / max(len(kept), 1)) / sizes[kept]
        return cls(mean, (rows[kept].T * scale).astype(np.float32))

    def of(self, contexts: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features of contexts, in the same order."""
        projected = (contexts - self.mean) @ self.directions
        return np.concatenate([projected, np.ones((len(projected), 1))], axis=1, dtype=np.float64)
