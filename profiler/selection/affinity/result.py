"""What affinity propagation returns, and how a set of exemplars becomes a clustering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from profiler.selection.affinity.geometry import (
    FloatMatrix,
    IntVector,
    medoids,
    nearest,
    similarity_to,
)


@dataclass(frozen=True)
class AffinityResult:
    """A clustering around exemplars.

    Attributes
    ----------
    exemplars
        ``[K]`` row indices, ascending.
    labels
        ``[n]`` positions in :attr:`exemplars`.
    net_similarity
        Sum of the similarities of all other rows to their exemplars, plus the preference once for
        each exemplar.
    iterations
        Rounds of messages of the last run.
    converged
        Whether the exemplars stood still for the required number of rounds.
    damping
        The damping of the last run; greater than asked for where that did not converge.
    preference
        The similarity of a row to itself.
    unsettled
        Where it did not converge: candidates that still came or went as exemplars at the end.
    """

    exemplars: IntVector
    labels: IntVector
    net_similarity: float
    iterations: int
    converged: bool
    damping: float
    preference: float
    unsettled: int = 0


def net_similarity(
    vectors: FloatMatrix,
    exemplars: IntVector,
    labels: IntVector,
    preference: float,
    weights: FloatMatrix | None = None,
) -> float:
    """Net similarity of a clustering, from the vectors.

    Parameters
    ----------
    vectors
        ``[n, d]``.
    exemplars, labels
        ``[K]`` rows of the exemplars, and ``[n]`` index into them.
    preference
        Counted once for each exemplar.
    weights
        ``[n]`` times that each row counts; None counts each once.
    """
    similarity = similarity_to(vectors, vectors[exemplars], labels).astype(np.float64)
    similarity[exemplars] = 0
    if weights is not None:
        similarity *= weights
    return float(similarity.sum() + preference * len(exemplars))


def assign(vectors: FloatMatrix, exemplars: IntVector) -> IntVector:
    """Label of the nearest exemplar of each row; an exemplar belongs to itself."""
    labels = nearest(vectors, vectors[exemplars])
    labels[exemplars] = np.arange(len(exemplars))
    return labels


def refine(
    vectors: FloatMatrix,
    exemplars: IntVector,
    weights: FloatMatrix | None = None,
    allowed: np.typing.NDArray[np.bool_] | None = None,
) -> tuple[IntVector, IntVector]:
    """Assign rows, move each exemplar to the member nearest its cluster's mean, assign again.

    The last step of scikit-learn's affinity propagation, with the sum of similarities of a
    cluster computed through its mean.

    Returns
    -------
    exemplars (ascending rows) and labels.
    """
    labels = assign(vectors, exemplars)
    moved = medoids(vectors, labels, len(exemplars), weights, allowed)
    exemplars = np.unique(np.where(moved >= 0, moved, exemplars))
    return exemplars, assign(vectors, exemplars)
