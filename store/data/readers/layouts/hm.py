"""H&M Personalized Fashion Recommendations: purchases by day, and articles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.formats import tables
from store.data.readers.text.files import first_line, named, shown_name
from store.data.readers.text.header import split_header

LOG = Columns("customer_id", "article_id", "t_dat")
ARTICLES = Columns(item="article_id", title="prod_name", categories="\0categories")
LEVELS = ("index_group_name", "product_group_name", "product_type_name")
"""Columns that are an article's categories, the widest first."""

KEPT = ("colour_group_name", "graphical_appearance_name", "department_name", "detail_desc")


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``transactions_train.csv``; ids of articles begin with a zero, which stays.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    return tables.read_interactions(path, options, problems, form="csv", usual=LOG)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``articles.csv``: name, three levels of groups, and what describes the article.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    table = tables.read_table(path, "csv", options, problems)
    missing = [name for name in (ARTICLES.item, ARTICLES.title, *LEVELS) if name not in table]
    if missing:
        raise problems.fatal(
            Kind.COLUMN, file, f"articles.csv of H&M has {', '.join(missing)}", column=missing[0]
        )
    levels = pl.concat_list(LEVELS).list.drop_nulls().list.unique(maintain_order=True)
    kept = [name for name in table.columns if name in (ARTICLES.item, ARTICLES.title, *KEPT)]
    table = table.select(ROW, *kept, levels.alias(ARTICLES.categories))
    return items_from(table, file, options, problems, ARTICLES)


def sniff(path: Path) -> bool:
    """Tell by the header."""
    names = set(split_header(first_line(path), ","))
    return {LOG.user, LOG.item, LOG.time} <= names or {ARTICLES.item, *LEVELS} <= names


def find(files: Sequence[Path]) -> FileSet | None:
    """Find ``transactions_train.csv`` and ``articles.csv``."""
    log = named(files, "transactions_train", (".csv",))
    return None if log is None else (log, named(files, "articles", (".csv",)))


READER = Reader(read_interactions, read_items, sniff, find)
