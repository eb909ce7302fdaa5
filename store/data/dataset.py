"""``Dataset``: the items and histories of a store as NumPy arrays, with who may see what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.data.csr import starts
from store.data.splits import NO_TIME, Part, Split
from store.digests import bytes_digest

__all__ = ["Dataset", "item_text"]

ITEM_TEXTS = ("title", "title+categories")


def item_text(title: str | None, categories: Sequence[str], style: str = "title+categories") -> str:
    """Return the text of an item that is encoded: its title, with its categories where asked for.

    An item without a title is described by its categories; with neither the text is empty and
    the item has no vector.

    Parameters
    ----------
    title, categories
        Of the item.
    style
        ``title`` or ``title+categories``.
    """
    if style == "title" or not categories:
        return title or ("" if style == "title" else ", ".join(categories))
    return f"{title} ({', '.join(categories)})" if title else ", ".join(categories)


def training_counts(
    items: NDArray[np.integer[Any]], parts: NDArray[np.int8], n_items: int
) -> NDArray[np.int64]:
    """Count the training interactions of each item: popularity, the same for every use of it.

    Parameters
    ----------
    items, parts
        item_ix and :class:`~store.data.splits.Part` of each interaction.
    n_items
        Number of items.

    Returns
    -------
    int64 ``[n_items]``
    """
    return np.bincount(items[parts == Part.TRAIN], minlength=n_items)


@dataclass(frozen=True)
class Dataset:
    """Items and histories. Rows of a user are consecutive and in time order.

    Attributes
    ----------
    user_ids, item_ids
        Outside names by ``user_ix`` and ``item_ix``.
    titles, categories
        Per item; a title may be ``None``.
    indptr
        int64 ``[users + 1]``: user ``u`` owns rows ``indptr[u]:indptr[u + 1]``.
    items
        int32 ``[interactions]``, item_ix.
    timestamps
        int64 ``[interactions]``, unix seconds, ``NO_TIME`` where unknown.
    parts
        int8 ``[interactions]``, values of :class:`store.splits.Part`.
    user_split
        int8 ``[users]``: 0 train, 1 valid, 2 test.
    split
        Which split decided ``parts``.
    """

    user_ids: list[str]
    item_ids: list[str]
    titles: list[str | None]
    categories: list[tuple[str, ...]]
    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    timestamps: NDArray[np.int64]
    parts: NDArray[np.int8]
    user_split: NDArray[np.int8]
    split: Split

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.item_ids)

    @cached_property
    def digest(self) -> str:
        """Address of everything a model depends on: ids, histories, split."""
        names = ("\x1f".join(ids).encode() for ids in (self.user_ids, self.item_ids))
        arrays = (self.indptr, self.items, self.parts, self.user_split)
        return bytes_digest(chain(names, (array.tobytes() for array in arrays)))

    @cached_property
    def item_index(self) -> dict[str, int]:
        """From item id to item_ix."""
        return {item_id: ix for ix, item_id in enumerate(self.item_ids)}

    @cached_property
    def user_index(self) -> dict[str, int]:
        """From user id to user_ix."""
        return {user_id: ix for ix, user_id in enumerate(self.user_ids)}

    @property
    def has_time(self) -> bool:
        """Whether any interaction has a time."""
        return bool((self.timestamps != NO_TIME).any())

    def history(self, user_ix: int, parts: Sequence[int] = (Part.TRAIN,)) -> NDArray[np.int32]:
        """Items of one user in time order, restricted to the given parts."""
        rows = slice(int(self.indptr[user_ix]), int(self.indptr[user_ix + 1]))
        return self.items[rows][np.isin(self.parts[rows], [int(p) for p in parts])]

    def select(self, parts: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """All histories restricted to the given parts, as CSR ``(indptr, items)``."""
        keep = np.isin(self.parts, [int(p) for p in parts])
        return starts(keep)[self.indptr], self.items[keep]

    def visible(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """CSR of TRAIN interactions: all that the LLM, clustering and training may see."""
        return self.select((Part.TRAIN,))

    def training_counts(self) -> NDArray[np.int64]:
        """Training interactions of each item, ``[items]``: its popularity."""
        return training_counts(self.items, self.parts, self.n_items)

    def known(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """CSR of TRAIN and INPUT interactions: what may describe a user at serving."""
        return self.select((Part.TRAIN, Part.INPUT))

    def texts(self, style: str = "title+categories") -> list[str]:
        """Text of each item that is encoded; empty where an item has none."""
        return [
            item_text(title, categories, style)
            for title, categories in zip(self.titles, self.categories, strict=True)
        ]
