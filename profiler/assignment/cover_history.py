"""Each user's own interests without a call: the few stored ones that best cover their history.

An item shows an interest as far as its text vector is like the interest: like the mean of the
items that prove it (evidence centroid), like its words, or a blend of both. A user gets the
interests that together cover their own items best: greedy facility location, a weighted max cover
in which an item counts with its best similarity, so that near-duplicates of one interest, found
through other exemplars, add nothing and stay out. The method is our own choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from profiler.assignment.kernels import choose_interests, own_items
from store.data.csr import starts
from store.engines.engine import current, spans

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
_Matches = tuple[Ints, Ints, Floats]
_Picked = tuple[Ints, Floats, Ints, Floats]

_BLOCK_CELLS = 16_000_000  # similarities held at once, 64 MB
_PIECE = 20_000  # users that one worker is given at once
_DECIMALS = 5  # block sizes change the last bits of a product; they must not change a choice


@dataclass(frozen=True)
class CatalogueAssignment:
    """The interests of some users, best first, and the users' own items that show them.

    Attributes
    ----------
    indptr : int64 ``[users + 1]``
        User ``u`` has ``interest_rows[indptr[u]:indptr[u + 1]]``, in the order chosen.
    interest_rows : int64 ``[assignments]``
        Rows of the interest vectors given.
    scores : float64 ``[assignments]``
        Share of the user's history, recent items counting more, that the interest covers,
        weighted by similarity.
    item_indptr : int64 ``[assignments + 1]``
        Assignment ``a`` rests on ``items[item_indptr[a]:item_indptr[a + 1]]``.
    items : int64 ``[pairs]``
        The user's own items that show the interest, oldest first.
    similarities : float64 ``[pairs]``
        How well each one shows it.
    covered : float64 ``[users]``
        Share of each user's distinct items that at least one of their interests covers.
    """

    indptr: Ints
    interest_rows: Ints
    scores: Floats
    item_indptr: Ints
    items: Ints
    similarities: Floats
    covered: Floats


def assign_catalogue(
    indptr: ArrayLike,
    items: ArrayLike,
    item_vectors: Vectors,
    interest_vectors: Vectors,
    evidence: tuple[ArrayLike, ArrayLike],
    *,
    blend: float = 0.2,
    threshold: float = 0.3,
    max_interests: int = 12,
    per_item: int = 5,
    recency: float = 0.9,
    min_gain: float = 0.0,
) -> CatalogueAssignment:
    """Give every user the few interests that best cover their own history.

    New users and new interactions: call it again for just those users; nobody else changes.

    Parameters
    ----------
    indptr, items
        Histories as CSR, item numbers in time order. An item met twice counts as met last.
    item_vectors
        Unit text vectors, float32 ``[n_items, d]``; a zero row where an item has no text.
    interest_vectors
        Unit text vectors of the interests, float32 ``[interests, d]``.
    evidence
        CSR of the items that prove each interest.
    blend
        Weight of an interest's words against its evidence centroid, 0 to 1.
    threshold
        Least similarity (cosine) at which an item shows an interest. An item without text shows
        just the interests it is evidence of.
    max_interests
        Most interests a user gets.
    per_item
        Most interests one item can show: its most similar ones.
    recency
        Weight of an item against the next newer one, above 0 to 1; 1 counts all alike.
    min_gain
        Least share of the history's weight that one more interest must add.

    Returns
    -------
    CatalogueAssignment
        Equal gains go to the lower row. A user none of whose items shows an interest gets none.

    Raises
    ------
    ValueError
        If shapes, numbers or settings do not fit, or a vector is not finite.
    """
    pointers, history = _latest(np.asarray(indptr, np.int64), np.asarray(items, np.int64))
    proof = (np.asarray(evidence[0], np.int64), np.asarray(evidence[1], np.int64))
    _check_data(history, item_vectors, interest_vectors, proof)
    _check_settings(blend, threshold, max_interests, per_item, recency, min_gain)
    if not len(interest_vectors):
        interest_vectors = np.zeros((0, item_vectors.shape[1]), np.float32)
    used, local = np.unique(history, return_inverse=True)
    directions = blended_directions(item_vectors, interest_vectors, proof, blend)
    matches = _matches(used, item_vectors, directions, proof, threshold, per_item)
    age = np.repeat(pointers[1:], np.diff(pointers)) - 1 - np.arange(len(history))
    weights = np.power(recency, age, dtype=np.float64)
    chosen, scores, own, covered = _chosen(
        pointers, local, matches, weights, max_interests, min_gain
    )
    rank = np.nonzero(chosen >= 0)
    item_indptr = starts(own[rank])
    rows = chosen[rank]
    at, similarities = own_items(pointers, local, *matches, rank[0], rows, item_indptr)
    return CatalogueAssignment(
        indptr=starts((chosen >= 0).sum(axis=1)),
        interest_rows=rows,
        scores=scores[rank],
        item_indptr=item_indptr,
        items=history[at],
        similarities=similarities,
        covered=covered,
    )


def blended_directions(
    item_vectors: Vectors, interest_vectors: Vectors, evidence: tuple[Ints, Ints], blend: float
) -> Vectors:
    """Per interest the vector whose product with an item is their similarity, ``[interests, d]``.

    The blend of two cosines is the product with the blend of two unit vectors. An interest whose
    evidence has no text is known by its words alone.

    Parameters
    ----------
    item_vectors, interest_vectors
        Unit rows, zero where there is no text.
    evidence
        CSR from interest to item_ix.
    blend
        Share of the words, 0 … 1; the rest is the mean vector of the evidence.
    """
    indptr, items = evidence
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    centroids = np.zeros_like(interest_vectors)
    np.add.at(centroids, owner, item_vectors[items])
    length = np.linalg.norm(centroids, axis=1, keepdims=True)
    known = length[:, 0] > 0
    centroids[known] /= length[known]
    share = np.where(known, blend, 1.0).astype(np.float32)[:, None]
    result: Vectors = share * interest_vectors + (1 - share) * centroids
    return result


def _matches(
    used: Ints,
    item_vectors: Vectors,
    directions: Vectors,
    evidence: tuple[Ints, Ints],
    threshold: float,
    per_item: int,
) -> tuple[Ints, Ints, Floats]:
    """CSR over the items used: the interests each one shows, by row, and how well."""
    with_text = np.any(item_vectors[used] != 0, axis=1)
    step = max(1, _BLOCK_CELLS // max(len(directions), 1))
    blocks = [
        np.flatnonzero(with_text[start:stop]) + start for start, stop in spans(len(used), step)
    ]
    pieces = (item_vectors[used[block]] for block in blocks)
    matched = current().each(_match, (directions, threshold, per_item), pieces)
    found: list[_Matches] = [
        (block[row], interest, similarity)
        for block, (row, interest, similarity) in zip(blocks, matched, strict=True)
    ]
    found.append(_known_by_evidence(used, with_text, evidence))
    rows, interests, similarities = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((interests, rows))
    counts = np.bincount(rows, minlength=len(used))
    return starts(counts), interests[order], similarities[order]


def _match(shared: tuple[Vectors, float, int], vectors: Vectors) -> _Matches:
    """Row, interest and similarity of the interests that some items show."""
    directions, threshold, per_item = shared
    product: Floats = (vectors @ directions.T).astype(np.float64)
    np.round(product, _DECIMALS, out=product)
    if per_item < len(directions) and len(vectors):
        least = np.partition(product, -per_item, axis=1)[:, -per_item]  # ties all stay
    else:
        least = np.full(len(vectors), -np.inf)
    row, interest = np.nonzero((product >= least[:, None]) & (product >= threshold))
    return row.astype(np.int64), interest.astype(np.int64), product[row, interest]


def _chosen(
    pointers: Ints,
    items: Ints,
    matches: _Matches,
    weights: Floats,
    max_interests: int,
    min_gain: float,
) -> _Picked:
    """Choose the interests of every user; no user's depend on another's."""
    engine = current()
    if not engine.elsewhere or len(pointers) < 2:
        return choose_interests(pointers, items, *matches, weights, max_interests, min_gain)
    pieces = (
        (
            pointers[start : stop + 1] - pointers[start],
            items[pointers[start] : pointers[stop]],
            weights[pointers[start] : pointers[stop]],
        )
        for start, stop in spans(len(pointers) - 1, _PIECE)
    )
    found = engine.each(_choose, (matches, max_interests, min_gain), pieces)
    chosen, scores, own, covered = (np.concatenate(part) for part in zip(*found, strict=True))
    return chosen, scores, own, covered


def _choose(shared: tuple[_Matches, int, float], piece: tuple[Ints, Ints, Floats]) -> _Picked:
    (matches, max_interests, min_gain), (pointers, items, weights) = shared, piece
    return choose_interests(pointers, items, *matches, weights, max_interests, min_gain)


def _known_by_evidence(
    used: Ints, with_text: NDArray[np.bool_], evidence: tuple[Ints, Ints]
) -> tuple[Ints, Ints, Floats]:
    """Matches of the items without text: the model itself named them, so the similarity is 1."""
    indptr, items = evidence
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    mute = np.flatnonzero(~with_text)
    keep = np.isin(items, used[mute])
    pairs = np.unique(np.stack([np.searchsorted(used, items[keep]), owner[keep]]), axis=1)
    return pairs[0], pairs[1], np.ones(pairs.shape[1])


def _latest(indptr: Ints, items: Ints) -> tuple[Ints, Ints]:
    """Histories with each item once per user, where it was met last."""
    if len(indptr) < 1 or indptr[0] != 0 or indptr[-1] != len(items) or (np.diff(indptr) < 0).any():
        raise ValueError("indptr must rise from 0 to the number of interactions")
    users = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    order = np.lexsort((np.arange(len(items)), items, users))
    last = np.ones(len(items), dtype=np.bool_)
    last[:-1] = (np.diff(users[order]) != 0) | (np.diff(items[order]) != 0)
    keep = np.sort(order[last])
    return starts(np.bincount(users[keep], minlength=len(indptr) - 1)), items[keep]


def _check_data(
    history: Ints, item_vectors: Vectors, interest_vectors: Vectors, evidence: tuple[Ints, Ints]
) -> None:
    if item_vectors.ndim != 2 or interest_vectors.ndim != 2:
        raise ValueError("vectors must be two-dimensional")
    if len(interest_vectors) and item_vectors.shape[1] != interest_vectors.shape[1]:
        raise ValueError(
            f"item vectors have {item_vectors.shape[1]} dimensions, "
            f"interest vectors {interest_vectors.shape[1]}: encode both with one encoder"
        )
    for name, numbers in (("histories", history), ("evidence", evidence[1])):
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(item_vectors)):
            raise ValueError(f"an item number in the {name} is outside the item vectors")
    if len(evidence[0]) != len(interest_vectors) + 1 or evidence[0][-1] != len(evidence[1]):
        raise ValueError("the evidence must be a CSR with one row for each interest")
    for name, vectors in (("an item", item_vectors), ("an interest", interest_vectors)):
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            raise ValueError(f"the vector of {name} is not finite (row {bad[0]})")


def _check_settings(
    blend: float,
    threshold: float,
    max_interests: int,
    per_item: int,
    recency: float,
    min_gain: float,
) -> None:
    if not 0 <= blend <= 1:
        raise ValueError(f"blend must be from 0 to 1, got {blend}")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold}")
    if max_interests < 1 or per_item < 1:
        raise ValueError("max_interests and per_item must be at least 1")
    if not 0 < recency <= 1:
        raise ValueError(f"recency must be above 0 and at most 1, got {recency}")
    if not 0 <= min_gain < 1:
        raise ValueError(f"min_gain must be from 0 to below 1, got {min_gain}")
