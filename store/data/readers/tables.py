"""CSV, TSV and Parquet with a row for each interaction or item."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl

from store.data.readers.columns import Columns, interactions_from, items_from
from store.data.readers.delimited import ROW, parse
from store.data.readers.files import load
from store.data.readers.problems import Kind, Problems, ReadOptions

SEPARATOR = {"csv": ",", "tsv": "\t"}


def read_interactions(
    path: Path, form: str, options: ReadOptions, problems: Problems, usual: Columns | None = None
) -> pl.DataFrame:
    """Read interactions from a table; ``usual`` are the format's column names.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    columns = (usual or Columns()).chosen(options)
    return interactions_from(read_table(path, form, problems), columns, path.name, problems)


def read_items(
    path: Path, form: str, options: ReadOptions, problems: Problems, usual: Columns | None = None
) -> pl.DataFrame:
    """Read items from a table; ``usual`` are the format's column names.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    usual = usual or Columns()
    columns = usual.chosen(options)
    table = read_table(path, form, problems)
    if columns.item not in table.columns and usual.item in table.columns:
        # --item-column names the column of the interactions; the item file may have the usual one.
        columns = Columns(item=usual.item, title=columns.title, categories=columns.categories)
    return items_from(table, columns, path.name, problems)


def read_table(path: Path, form: str, problems: Problems) -> pl.DataFrame:
    """Read ``csv``, ``tsv`` or ``parquet`` into a frame with the column :data:`ROW`.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all.
    """
    data = load(path, problems)
    if form != "parquet":
        return parse(data, path.name, SEPARATOR[form], problems)
    try:
        table = pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise problems.fatal(
            Kind.NAME, path.name, f"the Parquet data cannot be read ({error})"
        ) from error
    return numbered(table, path.name, problems)


def numbered(table: pl.DataFrame, name: str, problems: Problems) -> pl.DataFrame:
    """Number the rows of a typed table from 1.

    Raises
    ------
    UnusableFileError
        It has no rows.
    """
    if not table.height:
        raise problems.fatal(Kind.EMPTY, name, "there are no rows")
    return table.with_row_index(ROW, 1).cast({ROW: pl.Int64})
