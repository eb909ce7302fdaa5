"""CSV, TSV, Parquet and Arrow with a row for each interaction or item."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader, is_never
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.columns.suggestions import known_names
from store.data.readers.text.delimited import parse
from store.data.readers.text.files import ARROW as ARROW_MAGIC
from store.data.readers.text.files import PARQUET as PARQUET_MAGIC
from store.data.readers.text.files import first_line, head, load, named, shown_name, suffix
from store.data.readers.text.header import distinct_names, folded

BINARY = {"parquet": PARQUET_MAGIC, "arrow": ARROW_MAGIC}
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather")
UUIDS = "arrow.uuid"
_NAMES = {"parquet": (".parquet",), "arrow": (".arrow", ".feather")}


Shape = Callable[[pl.DataFrame, str, ReadOptions, Problems, Columns | None], pl.DataFrame]
"""Brings a table into the shape of interactions or of items."""


def read_shaped(
    shape: Shape,
    path: Path,
    options: ReadOptions,
    problems: Problems,
    *,
    form: str,
    usual: Columns | None = None,
) -> pl.DataFrame:
    """Read interactions or items from a table.

    Parameters
    ----------
    shape
        :func:`~store.data.readers.columns.interactions.interactions_from` or
        :func:`~store.data.readers.columns.items.items_from`.
    path, options, problems
        As every reader has them.
    form
        ``csv``, ``tsv``, ``parquet`` or ``arrow``.
    usual
        The format's column names, where they are not ours.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    table = read_table(path, form, options, problems)
    return shape(table, shown_name(path), options, problems, usual)


read_interactions = partial(read_shaped, interactions_from)
read_items = partial(read_shaped, items_from)


def read_table(path: Path, form: str, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``csv``, ``tsv``, ``parquet`` or ``arrow`` into a frame with the column :data:`ROW`.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all.
    """
    name = shown_name(path)
    data = load(path, problems, options.max_bytes)
    if form in BINARY:
        return numbered(_typed(data, form, name, problems), name, problems)
    separator = options.separator or ("\t" if form == "tsv" else None)
    return parse(data, name, separator, options, problems, known=_known(options))


def _known(options: ReadOptions) -> frozenset[str]:
    """Names a header may have: usual ones, and those that the user names."""
    given = [value for name, value in vars(options).items() if name.endswith("_column") and value]
    return known_names() | {folded(name) for name in given if not name.isdigit()}


def _typed(data: bytes, form: str, file: str, problems: Problems) -> pl.DataFrame:
    try:
        if form == "arrow":
            return pl.read_ipc(io.BytesIO(data))
        return _with_uuids(pl.read_parquet(io.BytesIO(data)), data)
    except pl.exceptions.DuplicateError as error:
        said = "two columns have one name; rename one"
        raise problems.fatal(Kind.COLUMN, file, said) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise problems.fatal(
            Kind.NAME, file, f"the {form.capitalize()} data cannot be read ({error})"
        ) from error


def _with_uuids(table: pl.DataFrame, data: bytes) -> pl.DataFrame:
    """Write UUIDs as text; polars gives their bytes, and only the schema says what they are."""
    if pl.Binary not in table.dtypes:
        return table
    import pyarrow.parquet as pq  # takes a tenth of a second, and few files have bytes

    schema = pq.read_schema(io.BytesIO(data))
    names = [part.name for part in schema if getattr(part.type, "extension_name", "") == UUIDS]
    return table.with_columns(
        pl.Series(name, [_uuid_text(value) for value in table[name].to_list()], pl.String)
        for name in names
        if name in table.columns
    )


def _uuid_text(value: bytes | None) -> str | None:
    return None if value is None else str(UUID(bytes=value))


def numbered(table: pl.DataFrame, name: str, problems: Problems) -> pl.DataFrame:
    """Number the rows of a typed table from 1.

    Raises
    ------
    UnusableFileError
        It has no rows.
    """
    if not table.height:
        raise problems.fatal(Kind.EMPTY, name, "there are no rows")
    names = dict(zip(table.columns, distinct_names(table.columns), strict=True))
    return table.rename(names).with_row_index(ROW, 1).cast({ROW: pl.Int64})


def sniff(path: Path, form: str) -> bool:
    """Tell by the first bytes, or by the name, so that what is damaged is refused as such."""
    return head(path, 8).startswith(BINARY[form]) or suffix(path) in _NAMES[form]


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
    options: dict[str, object] = {"form": form}
    return Reader(
        partial(read_interactions, **options),
        partial(read_items, **options),
        partial(sniff, form=form) if form in BINARY else is_never,
        find,
    )


CSV = _reader("csv")
TSV = _reader("tsv")
PARQUET = _reader("parquet")
ARROW = _reader("arrow")
