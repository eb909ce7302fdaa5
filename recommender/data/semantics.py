"""What the store knows in words, as arrays: text vectors, interests, evidence, whose they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from recommender.data.texts import read_texts
from store.digests import PREFIX
from store.errors import StoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from store.store import Store

Method = Literal["exemplar", "catalogue"]
METHODS: tuple[Method, ...] = ("exemplar", "catalogue")


@dataclass(frozen=True)
class Semantics:
    """Interests of a store. An interest is known here by its row, 0 … n - 1.

    Attributes
    ----------
    item_vectors
        float32 ``[V, d_t]``, unit text vectors by item_ix; a zero row where an item has no text.
    interest_ids
        int64 ``[n]``, ids in the store.
    interest_vectors
        float32 ``[n, d_t]``, unit text vectors.
    subjects
        int64 ``[n]``, subject id of each interest.
    kinds
        ``[n]`` strings: ``exemplar``, ``synthetic`` or ``user``.
    indptr, rows
        CSR over users: the interests of user u are ``rows[indptr[u]:indptr[u + 1]]``.
    evidence_indptr, evidence
        CSR over interests: item_ix that show interest r.
    """

    item_vectors: NDArray[np.float32]
    interest_ids: NDArray[np.int64]
    interest_vectors: NDArray[np.float32]
    subjects: NDArray[np.int64]
    kinds: NDArray[np.str_]
    indptr: NDArray[np.int64]
    rows: NDArray[np.int64]
    evidence_indptr: NDArray[np.int64]
    evidence: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.interest_ids)
        sizes = {len(self.interest_vectors), len(self.subjects), len(self.kinds)}
        if sizes != {n} or len(self.evidence_indptr) != n + 1:
            raise ValueError(f"arrays of {n} interests have other lengths: {sorted(sizes)}")
        _check_csr("interests of users", self.indptr, self.rows)
        _check_csr("evidence", self.evidence_indptr, self.evidence)
        if _outside(self.rows, n):
            raise ValueError(f"a user is given an interest row outside 0 … {n - 1}")
        if _outside(self.evidence, self.n_items):
            raise ValueError(f"an interest is shown by an item outside 0 … {self.n_items - 1}")

    @cached_property
    def digest(self) -> str:
        """Address of all of it: other interests, vectors or users give another."""
        content = hashlib.sha256("\x1f".join(self.kinds.tolist()).encode())
        for part in fields(self):
            if part.name != "kinds":
                content.update(np.ascontiguousarray(getattr(self, part.name)).tobytes())
        return f"{PREFIX}{content.hexdigest()}"

    @property
    def n_items(self) -> int:
        """Number of items V."""
        return len(self.item_vectors)

    @property
    def users_with_interests(self) -> int:
        """Users that have at least one interest."""
        return int((np.diff(self.indptr) > 0).sum())

    def of_users(self, limit: int | None = None) -> NDArray[np.int64]:
        """Interest rows of every user, int64 ``[users, M]``, -1 where a user has fewer.

        Parameters
        ----------
        limit
            Take at most so many of each user, the first ones.
        """
        counts = np.diff(self.indptr)
        width = int(counts.max(initial=0))
        width = width if limit is None else min(width, limit)
        table = np.full((len(counts), width), -1, dtype=np.int64)
        column = np.arange(len(self.rows)) - np.repeat(self.indptr[:-1], counts)
        owner = np.repeat(np.arange(len(counts)), counts)
        keep = column < width
        table[owner[keep], column[keep]] = self.rows[keep]
        return table


def _check_csr(what: str, indptr: NDArray[np.int64], values: NDArray[np.int64]) -> None:
    if len(indptr) == 0 or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError(f"{what}: the bounds of rows do not begin at 0, or fall")
    if indptr[-1] != len(values):
        raise ValueError(f"{what}: the rows end at {indptr[-1]} of {len(values)} values")


def _outside(numbers: NDArray[np.int64], n: int) -> bool:
    return len(numbers) > 0 and not 0 <= int(numbers.min()) <= int(numbers.max()) < n


def read_semantics(
    store: Store,
    method: Method = "exemplar",
    *,
    of_users: bool = True,
    sources: Sequence[str] = (),
) -> Semantics:
    """Read interests, evidence, text vectors and their users from a store.

    Parameters
    ----------
    store
        An open store.
    method
        A user's interests are their exemplar's (EIMF) or the few of the catalogue that cover their
        history.
    of_users
        Whether some user must have interests.
    sources
        Texts of items whose mean is an item's vector (:mod:`recommender.data.texts`); none of them
        is what the build encoded.

    Raises
    ------
    StoreError
        Where the store has no interests, no text vectors, or no user has interests by this method;
        the message says which command mends it.
    """
    catalogue = store.interests.catalogue()
    if len(catalogue.ids) == 0:
        raise StoreError(
            f"{store.path} holds no interests, which alignment needs; run profiler build first, "
            "or train without alignment and crowd loss (--align none; in compare no +eimf, +ldmi, "
            "+crowd)"
        )
    ids, vectors = store.vectors.interests()
    indptr, rows = store.interests.of_users(method)
    if of_users and len(rows) == 0:
        other = next(name for name in METHODS if name != method)
        raise StoreError(
            f"{store.path}: no user has interests by the method {method!r}; "
            f"use --interests {other}, or run profiler build again"
        )
    try:
        return Semantics(
            item_vectors=read_texts(store, sources).mean if sources else store.vectors.items(),
            interest_ids=ids,
            interest_vectors=vectors,
            subjects=catalogue.subject_ids,
            kinds=np.array(catalogue.kinds, dtype=np.str_),
            indptr=indptr,
            rows=rows,
            evidence_indptr=catalogue.indptr,
            evidence=catalogue.items.astype(np.int64),
        )
    except ValueError as problem:
        raise StoreError(
            f"{store.path} is damaged ({problem}); see profiler verify, or restore a backup"
        ) from None


def describe(semantics: Semantics) -> str:
    """One line that says what alignment has to work with."""
    kinds, counts = np.unique(semantics.kinds, return_counts=True)
    parts = ", ".join(
        f"{count:,} of {kind} subjects" for kind, count in zip(kinds, counts, strict=True)
    )
    users = len(semantics.indptr) - 1
    covered = len(np.unique(semantics.evidence))
    return (
        f"{len(semantics.interest_ids):,} interests ({parts}); {semantics.users_with_interests:,} "
        f"of {users:,} users have some; evidence covers {covered:,} of {semantics.n_items:,} items"
    )
