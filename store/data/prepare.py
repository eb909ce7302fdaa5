"""Filter, order and split what was read: raw frames → arrays ready to store.

Nothing here depends on the order of rows in the input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from store.data.crawlers import crawler_notes
from store.data.csr import starts
from store.data.filters import filter_mask
from store.data.order import Log, order, trim
from store.data.readers.base.raw_data import RawData, raise_on_problems
from store.data.splits import Split, assign_parts, parse_split
from store.digests import bytes_digest, canonical_json
from store.errors import DataError

__all__ = ["Counts", "Prepared", "prepare"]

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """Size of a data set."""

    users: int
    items: int
    interactions: int


@dataclass(frozen=True)
class Prepared:
    """A data set ready to store.

    Attributes
    ----------
    user_ids
        ``[users]``, in natural order: by value where all ids are whole numbers, else as text.
    item_ids
        ``[items]``, by descending number of interactions, then in natural order. Items without
        interactions are left out.
    titles
        ``[items]``, None where an item has no title.
    categories, extra
        ``[items]``, category names, and what else the item file says.
    indptr
        int64 ``[users + 1]``.
    items
        int32 ``[interactions]``, index into ``item_ids``, in time order within a user.
    timestamps
        int64 ``[interactions]``, unix seconds, :data:`store.splits.NO_TIME` where unknown.
    parts
        int8 ``[interactions]``, :class:`store.splits.Part`.
    user_split
        int8 ``[users]``, :class:`store.splits.UserSplit`.
    split
        How the parts came about.
    digest
        Address of all the above; where the split file lies does not matter.
    before, after
        Size as read, and after filtering.
    notes
        What a reader should know: repeated interactions, items without a line in the item file.
    """

    user_ids: list[str]
    item_ids: list[str]
    titles: list[str | None]
    categories: list[tuple[str, ...]]
    extra: list[dict[str, object]]
    indptr: Int64
    items: npt.NDArray[np.int32]
    timestamps: Int64
    parts: npt.NDArray[np.int8]
    user_split: npt.NDArray[np.int8]
    split: Split
    digest: str
    before: Counts
    after: Counts
    notes: list[str]


def prepare(
    raw: RawData,
    *,
    filter: str = "none",
    split: Split | str = "leave-one-out",
    drop_repeats: bool = False,
    max_history: int | None = None,
    sides: Mapping[str, int] | None = None,
) -> Prepared:
    """Filter, order and split.

    Parameters
    ----------
    raw
        What :func:`store.readers.read` returned, without problems.
    filter
        ``none``, ``once:N`` (items with at least N interactions, then users with at least N of
        those that remain: the ComiRec way) or ``core:N`` (repeated until both hold: k-core).
    split
        A split, or the value of ``--split``.
    drop_repeats
        Leave out interactions that repeat another one exactly.
    max_history
        Latest interactions of a user to keep, at most. Both come before the filter.
    sides
        Users whose side under a split by users is decided already, see
        :func:`store.data.splits.assign_parts`.

    Raises
    ------
    DataError
        There are problems in ``raw``, the filter or split is unknown or leaves nothing, or the
        split does not fit the data.
    """
    raise_on_problems(raw)
    split = parse_split(split) if isinstance(split, str) else split
    log = order(raw.interactions)
    before = Counts(len(log.user_ids), len(log.item_ids), len(log.users))
    log, trimmed = trim(log, drop_repeats=drop_repeats, max_history=max_history)
    keep = filter_mask(log.users, log.items, filter)
    if not keep.any():
        raise DataError(
            f"filter {filter} leaves none of {len(keep):,} interactions; lower it or use none"
        )
    user_ids, users = _renumber(log.user_ids, log.users[keep])
    item_ids, items = _renumber(log.item_ids, log.items[keep], by_count=True)
    indptr = starts(np.bincount(users))
    times = log.times[keep]
    parts, user_split = assign_parts(split, user_ids, indptr, times, sides)
    titles, categories, extra = _texts(raw.items, item_ids)
    arrays = (indptr, items.astype(np.int32), times, parts, user_split)
    return Prepared(
        user_ids,
        item_ids,
        titles,
        categories,
        extra,
        *arrays,
        split=split,
        digest=_digest((user_ids, item_ids, titles, categories, extra), arrays, split),
        before=before,
        after=Counts(len(user_ids), len(item_ids), len(items)),
        notes=[*_notes(raw, log, item_ids, split), *trimmed],
    )


def _renumber(
    ids: Sequence[str], codes: npt.NDArray[np.uint32], *, by_count: bool = False
) -> tuple[list[str], Int64]:
    """Number densely what remains, in the order of codes or by descending count."""
    counts = np.bincount(codes, minlength=len(ids))
    present = np.flatnonzero(counts)
    if by_count:
        present = present[np.argsort(-counts[present], kind="stable")]
    number = np.zeros(len(ids), dtype=np.int64)
    number[present] = np.arange(len(present))
    return [ids[code] for code in present.tolist()], number[codes]


def _texts(
    items: pl.DataFrame, item_ids: list[str]
) -> tuple[list[str | None], list[tuple[str, ...]], list[dict[str, object]]]:
    rows = {
        item: (title, tuple(categories), json.loads(extra))
        for item, title, categories, extra in items.select(
            "item_id", "title", "categories", "extra"
        ).iter_rows()
    }
    found = [rows.get(item, (None, (), {})) for item in item_ids]
    return [row[0] for row in found], [row[1] for row in found], [row[2] for row in found]


def _digest(texts: tuple[Any, ...], arrays: tuple[npt.NDArray[Any], ...], split: Split) -> str:
    told = (split.name, "" if split.name == "file" else split.detail)
    littles = (array.astype(array.dtype.newbyteorder("<"), copy=False) for array in arrays)
    numbers = (len(little).to_bytes(8, "little") + little.tobytes() for little in littles)
    return bytes_digest(chain([canonical_json([*texts, told]).encode()], numbers))


def _notes(raw: RawData, log: Log, item_ids: list[str], split: Split) -> list[str]:
    taken = f"--split {split.detail}" if split.name == "file" else None
    notes = [note for note in raw.notes if taken is None or not note.endswith(taken)]
    listed = set(raw.items["item_id"])
    absent = [item for item in item_ids if item not in listed]
    if listed and absent:  # without any item file the reader has said so
        notes.append(
            f"{len(absent):,} of {len(item_ids):,} items are not in the item file and have no"
            f" text, such as {absent[0]!r}; if that is not so, look how both files write ids"
        )
    if log.repeats:
        notes.append(
            f"{log.repeats:,} interactions repeat another one exactly (user, item, time,"
            " position); they are kept"
        )
    return notes + crawler_notes(log.user_ids, np.bincount(log.users))
