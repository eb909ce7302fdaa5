"""Interactions as arrays, user by user in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.data.csr import starts
from store.data.splits import Part

_AT_ONCE = 1_000_000
"""Values that are turned into bytes at once."""


class Columns(NamedTuple):
    """Interactions in the order of (user, position), as the store numbers users and items.

    Attributes
    ----------
    users, positions, items
        int32 ``[n]``; position 0 is a user's oldest.
    timestamps
        int64 ``[n]``, unix seconds, :data:`~store.data.splits.NO_TIME` where unknown.
    parts
        int8 ``[n]``, :class:`~store.data.splits.Part`.
    """

    users: NDArray[np.int32]
    positions: NDArray[np.int32]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    parts: NDArray[np.int8]

    @classmethod
    def empty(cls, rows: int = 0) -> Columns:
        """Columns of so many rows, to be filled."""
        users, positions, items = (np.empty(rows, dtype=np.int32) for _ in range(3))
        return cls(
            users, positions, items, np.empty(rows, dtype=np.int64), np.empty(rows, dtype=np.int8)
        )

    @classmethod
    def joined(cls, parts: list[Columns]) -> Columns:
        """Columns one below the other."""
        if not parts:
            return cls.empty()
        return cls._make(np.concatenate(column) for column in zip(*parts, strict=True))

    def rows(self, chosen: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Columns:
        """Some of the rows."""
        return Columns._make(column[chosen] for column in self)

    @property
    def hidden(self) -> int:
        """Rows whose part is not train."""
        return int((self.parts != Part.TRAIN).sum())

    def indptr(self, n_users: int) -> NDArray[np.int64]:
        """Where the rows of each user start, int64 ``[n_users + 1]``."""
        return starts(np.bincount(self.users, minlength=n_users))

    def content(self) -> Iterator[bytes]:
        """Bytes of the columns as 64-bit numbers, for a digest."""
        for column in self:
            for start in range(0, len(column), _AT_ONCE):
                yield column[start : start + _AT_ONCE].astype("<i8").tobytes()
