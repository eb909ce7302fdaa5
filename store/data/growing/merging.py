"""The interactions of a data set together with those of a file, as if they had been read at once.

A file may overlap with what is there, as an export of the last week does that is made every day: an
interaction that has a time counts as known where the data set has the same user, item and second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from store.data.dataset import Dataset
from store.data.readers.base.raw_data import RawData
from store.data.splits import NO_TIME, Split
from store.digests import bytes_digest

__all__ = ["Merged", "merge", "read_digest"]

_SAME = ["user_id", "item_id", "timestamp"]
_NO_ITEM_FILE = "no item file"
SPLITS_OF_USERS = ("users-811", "file")


@dataclass(frozen=True)
class Merged:
    """A data set and what a file adds to it.

    Attributes
    ----------
    raw
        All of it, for :func:`store.data.prepare.prepare`.
    new
        Interactions of the file that the data set lacked.
    known
        Interactions of the file that the data set had; they are counted once.
    sides
        The side of every user of the data set, where its split is one of users; else None.
    """

    raw: RawData
    new: int
    known: int
    sides: dict[str, int] | None


def merge(dataset: Dataset, extras: Sequence[str], raw: RawData) -> Merged:
    """Put what was read from a file behind a data set.

    Interactions of the data set keep their order. Those of the file are ordered among them by time;
    at the same second they come later. Where a user has an interaction of unknown time, all that
    the file has of this user come last, in the order of the file. Texts of the file go before
    stored ones.

    Parameters
    ----------
    dataset
        What is there.
    extras
        What the item file said beside title and categories, a JSON object for each item of
        ``dataset``.
    raw
        What was read, without problems.
    """
    stored = _stored(dataset)
    new = _unknown(stored, raw.interactions)
    known = len(raw.interactions) - len(new)
    base = int(np.diff(dataset.indptr).max(initial=0))  # behind every stored place
    position = pl.col("position")
    new = new.with_columns((position - position.min()).fill_null(0) + base)
    interactions = pl.concat([stored, new], how="diagonal")
    items = _items(dataset, extras, raw.items)
    listed = set(items["item_id"])
    without = any(item not in listed for item in new["item_id"].unique().to_list())
    notes = [one for one in raw.notes if without or not one.startswith(_NO_ITEM_FILE)]
    sides = None
    if dataset.split.name in SPLITS_OF_USERS:
        sides = dict(zip(dataset.user_ids, dataset.user_split.tolist(), strict=True))
    return Merged(
        replace(raw, interactions=interactions, items=items, notes=notes), len(new), known, sides
    )


def read_digest(raw: RawData, split: Split | None = None) -> str:
    """Address of what was read: interactions and texts, whatever the order of the rows.

    Parameters
    ----------
    raw
        What was read.
    split
        How it is split, where that matters, too.
    """
    columns = [*_SAME, "position"]
    if "nanosecond" in raw.interactions.columns:
        columns.append("nanosecond")
    log = raw.interactions.select(columns).sort(columns)
    texts = raw.items.select(
        "item_id", "title", pl.col("categories").list.join("\x1f"), "extra"
    ).sort("item_id")
    told = "" if split is None else str(split)
    return bytes_digest(
        [log.write_csv().encode(), b"\0", texts.write_csv().encode(), b"\0", told.encode()]
    )


def _stored(dataset: Dataset) -> pl.DataFrame:
    """The data set as it would be read; the place in a history is the position."""
    lengths = np.diff(dataset.indptr)
    owners = np.repeat(np.arange(dataset.n_users), lengths)
    places = np.arange(len(owners)) - np.repeat(dataset.indptr[:-1], lengths)
    users = pl.Series("user_id", dataset.user_ids, dtype=pl.String)
    items = pl.Series("item_id", dataset.item_ids, dtype=pl.String)
    times = pl.Series("timestamp", dataset.timestamps, dtype=pl.Int64)
    return pl.DataFrame(
        [
            users.gather(owners),
            items.gather(dataset.items.astype(np.int64)),
            times.set(times == NO_TIME, None),
            pl.Series("position", places, dtype=pl.Int64),
            pl.Series("row", np.zeros(len(owners)), dtype=pl.Int64),
        ]
    )


def _unknown(stored: pl.DataFrame, log: pl.DataFrame) -> pl.DataFrame:
    """Rows of a log that the data set lacks; of several alike, as many as it has fewer."""
    counts = stored.filter(pl.col("timestamp").is_not_null()).group_by(_SAME).len("have")
    ranked = log.with_columns(pl.int_range(pl.len()).over(_SAME).alias("nth"))
    joined = ranked.join(counts, on=_SAME, how="left", maintain_order="left")
    return joined.filter(pl.col("nth") >= pl.col("have").fill_null(0)).drop("nth", "have")


def _items(dataset: Dataset, extras: Sequence[str], told: pl.DataFrame) -> pl.DataFrame:
    """Texts of the data set's items, with those that the file gives in their place."""
    said = told.filter(pl.col("title").is_not_null() | (pl.col("categories").list.len() > 0))
    schema = told.schema
    stored = pl.DataFrame(
        {
            "item_id": dataset.item_ids,
            "title": dataset.titles,
            "categories": [list(one) for one in dataset.categories],
            "extra": list(extras),
            "row": [0] * dataset.n_items,
        },
        schema=schema,
    )
    return pl.concat([stored.join(said.select("item_id"), on="item_id", how="anti"), said])
