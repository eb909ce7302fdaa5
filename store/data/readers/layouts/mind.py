"""MIND, Microsoft's news data set: impressions with clicks, and the news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.layouts.published import distinct_items
from store.data.readers.text.delimited import parse
from store.data.readers.text.files import first_line, load, named, shown_name

LOG = Columns("user", "news", "time", "position")
LOG_FIELDS = ("impression", "user", "time", "history", "impressions")
NEWS = Columns(item="news", title="title", categories="categories")
NEWS_FIELDS = ("news", "category", "subcategory", "title", "abstract", "url", "_1", "_2")
CLOCK = "%m/%d/%Y %I:%M:%S %p"


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read the news that users had clicked before, which have no times, and their clicks.

    A user's history stands in each of their impressions and is taken once. Because it has no
    times, a position orders all of a user: first the history, then the clicks by their times.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    data = load(path, problems, options.max_bytes)
    table = parse(data, file, "\t", options, problems, header=LOG_FIELDS)
    history = _exploded(
        table.unique("user", keep="first", maintain_order=True).with_columns(
            time=pl.lit(None, pl.String)
        ),
        "history",
    ).with_columns(kind=pl.lit("history"))
    clicks = _exploded(table, "impressions").filter(pl.col("news").str.ends_with("-1"))
    clicks = clicks.with_columns(
        pl.col("news").str.strip_suffix("-1"),
        kind=pl.lit("click"),
        moment=pl.col("time").str.to_datetime(CLOCK, strict=False),
    ).sort("user", "moment", ROW, maintain_order=True)
    rows = pl.concat([history, clicks.drop("moment")])
    if not rows.height:
        raise problems.fatal(Kind.EMPTY, file, "there are no clicks and no histories")
    rows = rows.with_columns(position=pl.int_range(pl.len()).over("user"))
    problems.notes.append(
        f"{file}: {history.height:,} clicks of the histories have no times and come first;"
        " keep=kind=click would leave them out"
    )
    options = replace(options, date_order=options.date_order or "month-first")
    return interactions_from(rows, file, options, problems, LOG)


def _exploded(table: pl.DataFrame, column: str) -> pl.DataFrame:
    """One row for each of the news that stand in a column, between blanks."""
    return (
        table.select(ROW, "user", "time", pl.col(column).str.split(" ").alias("news"))
        .explode("news")
        .filter(pl.col("news").is_not_null() & (pl.col("news") != ""))
    )


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``news.tsv``: title, category and subcategory; the abstract is kept with the item.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    data = load(path, problems, options.max_bytes)
    width = data.partition(b"\n")[0].count(b"\t") + 1
    table = parse(data, file, "\t", options, problems, header=NEWS_FIELDS[:width])
    both = pl.concat_list("category", "subcategory").list.drop_nulls()
    table = table.with_columns(categories=both).select(
        ROW, "news", "title", "categories", "abstract"
    )
    return items_from(distinct_items(table, "news", file, problems), file, options, problems, NEWS)


def sniff(path: Path) -> bool:
    """Tell impressions by their five fields, the last of which are news and clicks."""
    fields = first_line(path).split("\t")
    if len(fields) == len(LOG_FIELDS):
        return fields[4][-2:] in ("-0", "-1") and fields[4][:1] == "N"
    return len(fields) in (6, 8) and fields[0][:1] == "N" and fields[5].startswith("http")


def find(files: Sequence[Path]) -> FileSet | None:
    """Find ``behaviors.tsv`` and ``news.tsv``."""
    log = named(files, "behaviors", (".tsv",))
    return None if log is None else (log, named(files, "news", (".tsv",)))


READER = Reader(read_interactions, read_items, sniff, find)
