"""Where interests lie on the map: near those that mean something similar.

Places come from the text vectors by t-SNE (van der Maaten and Hinton, JMLR 2008) started from the
first two principal components; a handful is placed by these components alone. Of many, the ones
that most people show are placed this way, and the others stand among those they resemble. One
thread and a fixed seed: the same store always gives the same map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LANDMARKS = 4_000
"""Most interests that t-SNE places."""

WIDTH = 1_000.0
"""Width of the map in its own units; the height follows from the places."""

_FEWEST_FOR_TSNE = 30
_COMPONENTS = 30
_RESEMBLED = 5
_SHARPNESS = 0.03
"""Cosine by which the weight of a landmark falls to 1/e of the nearest one's (our choice)."""

_BLOCK = 2_000


@dataclass(frozen=True)
class Places:
    """The map.

    Attributes
    ----------
    xy
        float64 ``[n, 2]``, from 0 to :data:`WIDTH` and to ``height``.
    height
        Of the map.
    method
        How the places were found, in words.
    """

    xy: NDArray[np.float64]
    height: float
    method: str


def place(vectors: NDArray[np.float32], seed: int = 0) -> Places:
    """Place the rows of ``vectors`` (``[n, d]``, unit length, the most important first)."""
    from threadpoolctl import threadpool_limits

    if len(vectors) < 2:
        return Places(np.full((len(vectors), 2), WIDTH / 2), WIDTH, "one point")
    matrix = vectors.astype(np.float64)
    with threadpool_limits(limits=1):  # sums in another order would move every point
        found, method = embed(components(matrix[:LANDMARKS]), seed)
        if len(matrix) > LANDMARKS:
            found = _among(matrix, found, seed)
            method += f" of the {LANDMARKS:,} that most show; the others among those they resemble"
    return _fitted(found, method)


def components(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """First principal components of the rows, at most 30, signs fixed."""
    centred = matrix - matrix.mean(axis=0)
    u, s, vt = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(axis=1)])  # svd leaves them open
    found: NDArray[np.float64] = (u * s * signs)[:, :_COMPONENTS]
    return found


def embed(reduced: NDArray[np.float64], seed: int) -> tuple[NDArray[np.float64], str]:
    """Places in the plane ``[n, 2]`` and how they were found."""
    if len(reduced) < _FEWEST_FOR_TSNE:
        flat = np.zeros((len(reduced), 2))
        flat[:, : reduced.shape[1]] = reduced[:, :2]
        return flat, "the first two principal components of their words' vectors"
    from sklearn.manifold import TSNE

    start = reduced[:, :2] / max(float(reduced[:, 0].std()), 1e-12) * 1e-4
    embedding = TSNE(
        perplexity=min(30.0, (len(reduced) - 1) / 3), init=start, random_state=seed, max_iter=750
    ).fit_transform(reduced)
    return np.asarray(embedding, dtype=np.float64), "t-SNE of their words' vectors"


def _among(
    matrix: NDArray[np.float64], places: NDArray[np.float64], seed: int
) -> NDArray[np.float64]:
    """Put the rest among the landmarks it resembles, a little apart so that dots do not hide."""
    landmarks = matrix[: len(places)]
    found = np.zeros((len(matrix), 2))
    found[: len(places)] = places
    for start in range(len(places), len(matrix), _BLOCK):
        cosine = matrix[start : start + _BLOCK] @ landmarks.T
        best = np.argpartition(-cosine, _RESEMBLED, axis=1)[:, :_RESEMBLED]
        near = np.take_along_axis(cosine, best, 1)
        weight = np.exp((near - near.max(axis=1, keepdims=True)) / _SHARPNESS)
        weight /= weight.sum(axis=1, keepdims=True)
        found[start : start + _BLOCK] = (places[best] * weight[:, :, None]).sum(axis=1)
    width = float(np.ptp(places, axis=0).max()) / 400
    noise = np.random.default_rng(seed).normal(0, width, found.shape)
    noise[: len(places)] = 0
    return found + noise


def _fitted(places: NDArray[np.float64], method: str) -> Places:
    """Scale to the map's units, the longer side across."""
    if np.ptp(places[:, 1]) > np.ptp(places[:, 0]):
        places = places[:, ::-1]
    span = max(float(np.ptp(places, axis=0).max()), 1e-9)
    xy = np.round((places - places.min(axis=0)) / span * WIDTH, 1)
    return Places(xy, max(float(xy[:, 1].max()), 1.0), method)
