"""RetailRocket: events of visitors, properties of items in two parts, and a tree of categories.

Names and words of the items are hashed in the publication: items have no titles, and a category
is a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.formats import tables
from store.data.readers.text.files import first_line, named, shown_name, stem, visible_files
from store.data.readers.text.header import split_header

LOG = Columns("visitorid", "itemid", "timestamp")
ITEMS = Columns(item="itemid", categories="\0path")
PROPERTIES = "item_properties"
PROPERTY_FIELDS = ("timestamp", "itemid", "property", "value")


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``events.csv``: views, additions to the cart and transactions, in milliseconds.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    return tables.read_interactions(path, options, problems, form="csv", usual=LOG)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read the last category of each item from all parts beside ``path``, with those above it.

    Raises
    ------
    UnusableFileError
        A file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    files = visible_files(path.parent)
    parts = [one for one in files if stem(one).startswith(PROPERTIES)] or [path]
    found = pl.concat([_categories(part, options, problems) for part in parts])
    last = found.sort("at", maintain_order=True).unique("itemid", keep="last", maintain_order=True)
    tree_file = named(files, "category_tree", (".csv",))
    above = {} if tree_file is None else _tree(tree_file, options, problems)
    paths = [_path(one, above) for one in last["value"].to_list()]
    table = last.select(ROW, "itemid").with_columns(
        pl.Series(ITEMS.categories, paths, pl.List(pl.String))
    )
    problems.notes.append(
        f"{file}: words of items are hashed in this publication; items have no titles, and their"
        " categories are numbers"
    )
    return items_from(table, file, options, problems, ITEMS)


def _categories(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    table = tables.read_table(path, "csv", options, problems)
    if not set(PROPERTY_FIELDS) <= set(table.columns):
        said = f"properties of items have the columns {', '.join(PROPERTY_FIELDS)}"
        raise problems.fatal(Kind.COLUMN, shown_name(path), said)
    at = pl.col("timestamp").cast(pl.Int64, strict=False).alias("at")
    return table.filter(pl.col("property") == "categoryid").select(ROW, "itemid", "value", at)


def _tree(path: Path, options: ReadOptions, problems: Problems) -> dict[str, str]:
    """The category above each; those at the top are left out."""
    table = tables.read_table(path, "csv", options, problems)
    if not {"categoryid", "parentid"} <= set(table.columns):
        return {}
    rows = table.select("categoryid", "parentid").drop_nulls()
    return dict(rows.iter_rows())


def _path(category: str | None, above: Mapping[str, str]) -> list[str]:
    """Categories from the top down to one; a tree that runs in a ring ends where it closes."""
    path: list[str] = []
    while category is not None and category not in path:
        path.append(category)
        category = above.get(category)
    return path[::-1]


def sniff(path: Path) -> bool:
    """Tell by the header."""
    names = split_header(first_line(path), ",")
    return {LOG.user, LOG.item, "event"} <= set(names) or tuple(names) == PROPERTY_FIELDS


def find(files: Sequence[Path]) -> FileSet | None:
    """Find ``events.csv`` and the first part of the properties."""
    log = named(files, "events", (".csv",))
    if log is None or not sniff(log):
        return None
    return log, next((one for one in files if stem(one).startswith(PROPERTIES)), None)


READER = Reader(read_interactions, read_items, sniff, find)
