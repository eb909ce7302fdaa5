"""Histories as vectors: what clustering of users and the nearest-item baselines work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from profiler.choices import HistoryVector
from store.engines.engine import current, spans

HistoryMethod = HistoryVector

_PIECE = 20_000
"""Histories that one worker is given at once."""
_ROUNDING = 1e-5
"""Largest part of a unit vector that differences by rounding alone can leave."""


def history_vectors(
    item_vectors: NDArray[np.float32],
    indptr: NDArray[np.int64],
    items: NDArray[np.integer],
    method: HistoryMethod = "mean",
    *,
    center: bool = False,
    texts: Sequence[str] = (),
    encode: Callable[[Sequence[str]], NDArray[np.float32]] | None = None,
) -> NDArray[np.float32]:
    """Unit vectors of histories.

    Parameters
    ----------
    item_vectors
        float32 ``[items, d]``, unit rows; a zero row is an item without text, it is skipped.
    indptr, items
        CSR of the histories.
    method
        ``mean``: the mean of the items' unit vectors, normalised again (our choice, because an
        encoder cuts long texts off). ``text``: one text for each history, the items' texts joined
        by commas (EIMF, section 3.2), which needs ``texts`` and ``encode``.
    center
        Subtract the mean over the catalogue (``mean``) or over the histories (``text``) before
        normalising: means of long histories crowd together otherwise.
    texts
        Text of each item, for ``text``.
    encode
        From texts to unit vectors, for ``text``.

    Returns
    -------
    float32 ``[users, d]``
        Unit rows; a zero row where no item of a user has text.

    Raises
    ------
    ValueError
        If ``method`` is unknown, or is ``text`` without ``texts`` and ``encode``.
    """
    if method == "text":
        if encode is None or not texts:
            raise ValueError("method 'text' needs texts and encode")
        pooled = encode(history_texts(texts, indptr, items))
        return unit_rows(_centred(pooled) if center else pooled)
    if method != "mean":
        raise ValueError(f"unknown method {method!r}: 'mean' or 'text'")
    vectors = _centred(item_vectors) if center else item_vectors
    engine = current()
    if not engine.elsewhere:
        return _means((item_vectors, vectors, center), (indptr, items))
    pieces = (
        (indptr[start : stop + 1] - indptr[start], items[indptr[start] : indptr[stop]])
        for start, stop in spans(len(indptr) - 1, _PIECE)
    )
    shared = (item_vectors, vectors, center)
    return np.concatenate(
        [np.zeros((0, item_vectors.shape[1]), np.float32), *engine.each(_means, shared, pieces)]
    )


def _means(
    shared: tuple[NDArray[np.float32], NDArray[np.float32], bool],
    piece: tuple[NDArray[np.int64], NDArray[np.integer]],
) -> NDArray[np.float32]:
    """Mean vectors of some histories; each user's depends on nobody else's."""
    (item_vectors, vectors, center), (indptr, items) = shared, piece
    ones = np.ones(len(items), dtype=np.float32)
    histories = sp.csr_matrix((ones, items, indptr), shape=(len(indptr) - 1, len(vectors)))
    pooled = np.asarray(histories @ vectors)
    if center:
        # Of the whole catalogue only rounding is left: its direction says nothing, its items do.
        lengths = np.linalg.norm(pooled, axis=1)
        empty = (lengths <= _ROUNDING * np.diff(indptr)) & (np.diff(indptr) > 0)
        pooled[empty] = histories[empty] @ item_vectors
    return unit_rows(pooled)


def history_texts(
    texts: Sequence[str], indptr: NDArray[np.int64], items: NDArray[np.integer]
) -> list[str]:
    """One text for each history: its items' texts in time order, joined by commas."""
    bounds = zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True)
    return [
        ", ".join(texts[item] for item in items[start:stop].tolist() if texts[item].strip())
        for start, stop in bounds
    ]


def unit_rows(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows scaled to length one; zero rows stay zero."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled = matrix / np.where(lengths > 1e-12, lengths, 1)
    return np.where(lengths > 1e-12, scaled, 0).astype(np.float32)


def _centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the mean of the rows that are not zero from them.

    Where nothing but rounding is left, because all texts are the same, they stay as they are.
    """
    with_text = np.any(vectors != 0, axis=1)
    if not with_text.any():
        return vectors
    mean = vectors[with_text].mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = np.where(with_text[:, None], vectors - mean, 0).astype(np.float32)
    return centred if np.abs(centred).max() > _ROUNDING else vectors
