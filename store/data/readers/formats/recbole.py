"""RecBole atomic files: tab-separated, with a type behind each name (``user_id:token``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.formats.tables import read_table
from store.data.readers.text.files import first_line, named, shown_name, single, stem, suffix
from store.data.readers.text.header import distinct_names, split_header

TITLES = ("title", "movie_title", "item_name", "name")
CATEGORIES = ("categories", "category", "genres", "genre", "class")
TYPES = (":token", ":token_seq", ":float", ":float_seq")


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read an ``.inter`` file.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    table, _ = _untyped(read_table(path, "tsv", options, problems))
    return interactions_from(table, shown_name(path), options, problems)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read an ``.item`` file; title and categories are found under their usual names.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    table, types = _untyped(read_table(path, "tsv", options, problems))
    usual = Columns(title=_first(TITLES, table), categories=_first(CATEGORIES, table))
    if options.category_separator is None:
        chosen = usual.chosen(options, table.columns)
        table = _split_sequence(table, chosen.categories, types)
    return items_from(table, shown_name(path), options, problems, usual)


def _untyped(table: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """Drop the types from the names; return them by name."""
    columns = [name for name in table.columns if name != ROW]
    parts = [name.rpartition(":") if name.endswith(TYPES) else (name, "", "") for name in columns]
    bare = distinct_names([part[0] for part in parts])
    types = {name: kind for name, (_, _, kind) in zip(bare, parts, strict=True)}
    return table.rename(dict(zip(columns, bare, strict=True))), types


def _first(names: tuple[str, ...], table: pl.DataFrame) -> str:
    return next((name for name in names if name in table.columns), names[0])


def _split_sequence(table: pl.DataFrame, name: str, types: dict[str, str]) -> pl.DataFrame:
    """Split categories at blanks where the type is a sequence without bars and commas."""
    if types.get(name) != "token_seq":
        return table
    texts = table[name]
    if bool(texts.str.contains(r"\||, ").any()):
        return table.with_columns(texts.str.replace_all("'", "", literal=True))
    return table.with_columns(texts.str.split(" "))


def sniff(path: Path) -> bool:
    """Tell by the types in the header."""
    return any(name.endswith(TYPES) for name in split_header(first_line(path), "\t"))


def find(files: Sequence[Path]) -> FileSet | None:
    """Find the ``.inter`` file and the ``.item`` file of the same name."""
    logs = [path for path in files if suffix(path) == ".inter"]
    if not logs:
        return None
    log = single(logs, "interactions (.inter)")
    return log, named(files, stem(log), (".item",))


READER = Reader(read_interactions, read_items, sniff, find)
