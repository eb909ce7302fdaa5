"""Hugging Face data sets in a folder of this machine: all splits together, as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.formats.json_records import names_in, read_records, table_of
from store.data.readers.formats.tables import numbered, read_table
from store.data.readers.layouts.huggingface_files import Configuration, chosen, is_data_set
from store.data.readers.text.files import head, shown_name, shown_path, suffix
from store.errors import DataError

SPLIT = "split"
"""Column with the name of the split, where the data set has no column of this name."""

_FAULTS = (pl.exceptions.PolarsError, OSError, ValueError)


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read the rows of all splits; ``keep=split=train`` would keep those of one.

    Raises
    ------
    UnusableFileError
        A file cannot be read; ``problems`` says why.
    DataError
        There is no such configuration, or files are missing.
    """
    table = _table(chosen(path, options.table, "table"), path, options, problems)
    return interactions_from(table, shown_name(path), options, problems)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read a configuration that holds items.

    Raises
    ------
    UnusableFileError
        A file cannot be read; ``problems`` says why.
    DataError
        There is no such configuration, or files are missing.
    """
    table = _table(chosen(path, options.items_table, "items_table"), path, options, problems)
    own = [SPLIT] if (table[SPLIT] == "train").all() else []
    return items_from(table.drop(own), shown_name(path), options, problems)


def _table(
    config: Configuration, folder: Path, options: ReadOptions, problems: Problems
) -> pl.DataFrame:
    parts = []
    for split, paths in config.splits.items():
        for path in paths:
            part = _with_names(_file(path, options, problems), config.names)
            if SPLIT not in part.columns:
                part = part.with_columns(pl.lit(split).alias(SPLIT))
            parts.append(part)
    name = shown_name(folder)
    if len(config.splits) > 1:
        first, counted = next(iter(config.splits)), ", ".join(config.splits)
        problems.notes.append(
            f"{name}: the splits {counted} are read together; keep=split={first} would keep the"
            " first alone"
        )
    try:
        return numbered(pl.concat(parts, how="diagonal_relaxed"), name, problems)
    except pl.exceptions.PolarsError as error:
        said = f"its files have columns of one name and different types ({error})"
        raise problems.fatal(Kind.COLUMN, name, said) from error


def _file(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    kind = suffix(path)
    if kind == ".arrow" and not head(path, 6).startswith(b"ARROW1"):
        return _stream(path, options, problems)
    if kind in (".json", ".jsonl"):
        records = read_records(path, options, problems)
        return table_of(records, names_in(records)).drop(ROW)
    form = kind.removeprefix(".")
    return read_table(path, form, replace(options, header=None), problems).drop(ROW)


def _stream(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read Arrow as ``datasets`` keeps it: a stream of batches without a table of contents."""
    if path.stat().st_size > options.max_bytes:
        raise DataError(
            f"{shown_path(path)} holds more than {options.max_bytes:,} bytes; raise max_bytes if it"
            " is to be read all the same"
        )
    try:
        return pl.read_ipc_stream(path)
    except _FAULTS as error:
        said = f"the Arrow data cannot be read ({error})"
        raise problems.fatal(Kind.NAME, shown_name(path), said) from error


def _with_names(table: pl.DataFrame, names: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Write the name of a class where a column holds its number."""
    for column, classes in names.items():
        if column in table.columns and table[column].dtype.is_integer():
            numbers = dict(enumerate(classes))
            table = table.with_columns(
                pl.col(column).replace_strict(numbers, default=None, return_dtype=pl.String)
            )
    return table


def find_in_folder(folder: Path) -> FileSet | None:
    """Take the whole folder where it is such a data set."""
    return (folder, None) if is_data_set(folder) else None


READER = Reader(read_interactions, read_items, find_in_folder=find_in_folder, has_tables=True)
