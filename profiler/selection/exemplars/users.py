"""Users as clustering sees them: checked, in the order of their ids, identical ones taken together.

Taking identical users together changes nothing in the problem (a row of weight w counts as w
rows), but removes exact ties, which messages settle slowly, and keeps a graph's neighbours from
being all the same user. Identical are users whose vectors differ by rounding alone: the same items
in another order sum up to another last digit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from profiler.selection.affinity.geometry import FloatMatrix, FloatVector, IntVector, center_vectors
from store.errors import DataError, UserError


@dataclass(frozen=True)
class Crowd:
    """Users that can be clustered.

    Attributes
    ----------
    rows
        ``[n]`` rows of the input with text, in the order of the user ids.
    vectors
        ``[n, d]`` as compared.
    group
        ``[n]`` number of the distinct vector of each.
    heads
        ``[g]`` position in ``rows`` of the user that stands for each distinct vector: the first
        candidate by id, or the first user where none is a candidate.
    weights
        ``[g]`` users with that vector.
    allowed
        ``[g]`` whether a user with that vector may be an exemplar.
    """

    rows: IntVector
    vectors: FloatMatrix
    group: IntVector
    heads: IntVector
    weights: FloatVector
    allowed: NDArray[np.bool_]


def _checked_ids(vectors: NDArray[Any], user_ids: Sequence[str]) -> NDArray[np.str_]:
    ids = np.asarray(list(user_ids), dtype=np.str_)
    if vectors.ndim != 2 or len(ids) != len(vectors):
        raise ValueError(f"{len(ids)} user ids do not fit vectors of shape {vectors.shape}")
    if len(ids) == 0:
        raise UserError("there are no users to choose exemplars from; check the data's filter")
    return ids


def _refuse_repeats(ids: NDArray[np.str_], order: IntVector) -> None:
    same = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    if len(same):
        raise DataError(
            f"user {str(ids[order][same[0]])!r} is listed twice; give each user one vector"
        )


def _refuse_nan(matrix: FloatMatrix, ids: NDArray[np.str_]) -> None:
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(bad):
        first = min(str(user) for user in ids[bad])
        raise DataError(
            f"the vector of user {first!r} holds NaN or infinity ({len(bad)} such users); "
            "encode the titles again or leave these users out"
        )


def _candidate_mask(ids: NDArray[np.str_], candidates: Sequence[str] | None) -> NDArray[np.bool_]:
    if candidates is None:
        return np.ones(len(ids), dtype=bool)
    wanted = np.unique(np.asarray(list(candidates), dtype=np.str_))
    if len(wanted) == 0:
        raise UserError("no candidates: name at least one user who may be an exemplar")
    unknown = np.setdiff1d(wanted, ids)
    if len(unknown):
        raise UserError(
            f"candidate {str(unknown[0])!r} is no user of this data ({len(unknown)} such)"
        )
    return np.isin(ids, wanted)


def gather(
    vectors: NDArray[Any],
    user_ids: Sequence[str],
    candidates: Sequence[str] | None,
    *,
    center: bool,
    mean: NDArray[Any] | None,
) -> Crowd:
    """Check users, sort them by id, centre their vectors and take identical ones together.

    Raises
    ------
    DataError
        If a user is listed twice or a vector holds NaN; the message names the user.
    UserError
        If there are no users, none has text, or no candidate is known or has text.
    """
    ids = _checked_ids(vectors, user_ids)
    matrix = np.asarray(vectors, dtype=np.float32)
    order = np.argsort(ids, kind="stable")
    _refuse_repeats(ids, order)
    _refuse_nan(matrix, ids)
    allowed = _candidate_mask(ids, candidates)
    rows = order[np.any(matrix[order] != 0, axis=1)]
    if len(rows) == 0:
        raise UserError("no user has an item with text, so users cannot be compared; add titles")
    if not allowed[rows].any():
        raise UserError("no candidate has an item with text; name other candidates")
    raw = matrix[rows]
    compared = center_vectors(raw, mean) if center else np.ascontiguousarray(raw)
    return take_together(rows, compared, allowed[rows])


def take_together(rows: IntVector, vectors: FloatMatrix, allowed: NDArray[np.bool_]) -> Crowd:
    """Find identical vectors; all arguments ``[n]`` and in the order of the user ids."""
    group = _groups(vectors)
    # Of each group the first candidate, else the first user: sort by group, then candidates first.
    ranked = np.lexsort((np.arange(len(rows)), ~allowed, group))
    heads = ranked[np.unique(group[ranked], return_index=True)[1]]
    weights = np.bincount(group).astype(np.float32)
    return Crowd(rows, vectors, group, heads, weights, allowed[heads])


NOISE = 1e-5
"""Distance of two unit vectors that rounding explains; other users are farther from one another."""

_WINDOW = 8


def _groups(vectors: FloatMatrix) -> IntVector:
    """Number of the distinct vector of each row, numbered by first appearance."""
    factors = np.random.default_rng(0).integers(1, 2**63, vectors.shape[1], dtype=np.uint64) | 1
    keys = np.empty(len(vectors), dtype=np.uint64)
    for start in range(0, len(vectors), 65_536):
        bits = np.ascontiguousarray(vectors[start : start + 65_536] + 0.0).view(np.uint32)
        keys[start : start + 65_536] = (bits * factors).sum(axis=1, dtype=np.uint64)
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    if not np.array_equal(vectors, vectors[first[group]]):  # two vectors of one key: never seen
        _, first, group = np.unique(vectors, axis=0, return_index=True, return_inverse=True)
    same = _near(vectors[first])
    _, first = np.unique(same[group.reshape(-1)], return_index=True)
    group = same[group.reshape(-1)]
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[group])


def _near(vectors: FloatMatrix) -> IntVector:
    """Number of the set of each row, where rows within :data:`NOISE` of one another are one set.

    Near rows are near on any line: they are looked for among the next few on a random one.
    """
    size = len(vectors)
    line = np.random.default_rng(1).normal(size=vectors.shape[1])
    places = vectors @ (line / np.linalg.norm(line))
    order = np.argsort(places, kind="stable")
    pairs = []
    for step in range(1, min(_WINDOW, size - 1) + 1):
        left, right = order[:-step], order[step:]
        close = np.flatnonzero(places[right] - places[left] <= NOISE)
        left, right = left[close], right[close]
        distance = np.linalg.norm(vectors[left] - vectors[right], axis=1)
        near = distance <= NOISE
        pairs.append(np.stack([left[near], right[near]]))
    found = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), dtype=np.int64)
    if not found.shape[1]:
        return np.arange(size)
    links = sp.coo_matrix((np.ones(found.shape[1]), found), shape=(size, size))
    return np.asarray(connected_components(links, directed=False)[1])
