"""How to read a source: what a user may say about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.data.readers.base.choices import DateOrder

MAX_BYTES = 4 * 1024**3
"""Bytes of one file after unpacking, at most, unless :attr:`ReadOptions.max_bytes` says more."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read; every field may stay as it is.

    Attributes
    ----------
    format
        Name of the format, None to detect it by content.
    items
        File, address or frame with the item texts.
    table, query
        What of a database holds the interactions; ``table`` also names a configuration of a
        Hugging Face data set.
    items_table, items_query
        What of the same database, or data set, holds the items.
    user_column, item_column, time_column, position_column, title_column, categories_column
        Names of the columns where they are not the format's usual ones; in separated text also
        their numbers, counted from 1.
    item_file_column
        Name of the column of item ids in the item file, where it is not that of the interactions.
    category_separator
        What stands between the categories of one item, where it is not what the format says.
    separator
        What stands between the columns of separated text, None to detect it.
    encoding
        Encoding of text files, such as ``cp1250``, None to detect it.
    header
        Whether separated text begins with a line of column names, None to detect it.
    date_order
        How to read dates such as 01/02/2014, which say neither.
    keep
        Rows to keep, each ``COLUMN=VALUE,VALUE``: those with one of the values.
    minimum
        Rows to keep, each ``COLUMN=NUMBER``: those with at least that number.
    drop_incomplete
        Leave out rows without a user, an item, or a time where no position stands in, instead of
        naming them as problems; how many they are is noted.
    max_bytes
        Largest size of one file after unpacking.
    """

    format: str | None = None
    items: Path | Any | None = None
    table: str | None = None
    query: str | None = None
    items_table: str | None = None
    items_query: str | None = None
    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    position_column: str | None = None
    title_column: str | None = None
    categories_column: str | None = None
    item_file_column: str | None = None
    category_separator: str | None = None
    separator: str | None = None
    encoding: str | None = None
    header: bool | None = None
    date_order: DateOrder | None = None
    keep: tuple[str, ...] = ()
    minimum: tuple[str, ...] = ()
    drop_incomplete: bool = False
    max_bytes: int = MAX_BYTES
