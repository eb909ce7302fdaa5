"""RecBole atomic files: tab-separated, with a type behind each name (``user_id:token``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.standard import Columns, interactions_from, items_from
from store.data.readers.formats.tables import read_table
from store.data.readers.text.delimited import split_header
from store.data.readers.text.files import first_line, named, single, stem, suffix

TITLES = ("title", "movie_title", "item_name", "name")
CATEGORIES = ("categories", "category", "genres", "genre", "class")


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read an ``.inter`` file.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    table, _ = _untyped(read_table(path, "tsv", problems))
    return interactions_from(table, Columns().chosen(options), path.name, problems)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read an ``.item`` file; title and categories are found under their usual names.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    table, types = _untyped(read_table(path, "tsv", problems))
    usual = Columns(title=_first(TITLES, table), categories=_first(CATEGORIES, table))
    columns = usual.chosen(options)
    return items_from(_split_sequence(table, columns, types), columns, path.name, problems)


def _untyped(table: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Drop the types from the names; return them by name."""
    parts = {name: name.rpartition(":") for name in table.columns if ":" in name}
    return (
        table.rename({name: bare for name, (bare, _, _) in parts.items()}),
        {bare: kind for bare, _, kind in parts.values()},
    )


def _first(names: tuple[str, ...], table: pl.DataFrame) -> str:
    return next((name for name in names if name in table.columns), names[0])


def _split_sequence(table: pl.DataFrame, columns: Columns, types: dict[str, str]) -> pl.DataFrame:
    """Split categories at blanks where the type is a sequence without bars and commas."""
    name = columns.categories
    if types.get(name) != "token_seq" or name == ROW:
        return table
    texts = table[name].cast(pl.String)
    if bool(texts.str.contains(r"\||, ").any()):
        return table.with_columns(pl.col(name).str.replace_all("'", "", literal=True))
    return table.with_columns(pl.col(name).str.split(" "))


def sniff(path: Path) -> bool:
    """Tell by the types in the header."""
    names = split_header(first_line(path), "\t")
    return any(name.endswith((":token", ":token_seq", ":float", ":float_seq")) for name in names)


def find(files: Sequence[Path]) -> FileSet | None:
    """Find the ``.inter`` file and the ``.item`` file of the same name."""
    logs = [path for path in files if suffix(path) == ".inter"]
    if not logs:
        return None
    log = single(logs, "interactions (.inter)")
    return log, named(files, stem(log), (".item",))


READER = Reader(read_interactions, read_items, sniff, find)
