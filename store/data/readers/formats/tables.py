"""CSV, TSV and Parquet with a row for each interaction or item."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader, is_never
from store.data.readers.columns.standard import Columns, interactions_from, items_from
from store.data.readers.text.delimited import parse
from store.data.readers.text.files import PARQUET as MAGIC
from store.data.readers.text.files import first_line, head, load, named, suffix

SEPARATOR = {"csv": ",", "tsv": "\t"}
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")


def read_interactions(
    path: Path,
    options: ReadOptions,
    problems: Problems,
    *,
    form: str,
    usual: Columns | None = None,
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
    path: Path,
    options: ReadOptions,
    problems: Problems,
    *,
    form: str,
    usual: Columns | None = None,
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


def sniff_parquet(path: Path) -> bool:
    """Tell by the first bytes, or by the name, so that what is damaged is refused as Parquet."""
    return head(path, 8).startswith(MAGIC) or suffix(path) == ".parquet"


def find(files: Sequence[Path]) -> FileSet | None:
    """Find ``interactions`` and ``items``; or ``ratings`` with our column names."""
    log = named(files, "interactions", SUFFIXES)
    if log is not None:
        return log, named(files, "items", SUFFIXES)
    log = named(files, "ratings", SUFFIXES)
    if log is None or Columns.user not in first_line(log):
        return None
    return log, named(files, "items", SUFFIXES) or named(files, "movies", SUFFIXES)


def _reader(form: str) -> Reader:
    return Reader(
        partial(read_interactions, form=form),
        partial(read_items, form=form),
        sniff_parquet if form == "parquet" else is_never,
        find,
    )


CSV = _reader("csv")
TSV = _reader("tsv")
PARQUET = _reader("parquet")
