"""MovieLens as GroupLens publishes it: ``.dat`` with ``::``, ``.csv``, or ``u.data`` of 1998.

Every rating counts as an interaction, whatever its value.
"""

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
from store.data.readers.formats import tables
from store.data.readers.text.delimited import parse
from store.data.readers.text.files import first_line, load, named, shown_name, suffix
from store.data.readers.text.header import UNIT, split_header

CSV = Columns("userId", "movieId", "timestamp", "position", "title", "genres")
DAT = Columns("UserID", "MovieID", "Timestamp", "Position", "Title", "Genres")
RATING_FIELDS = (DAT.user, DAT.item, "Rating", DAT.time)
MOVIE_FIELDS = (DAT.item, DAT.title, DAT.categories)
OLD_LOG, OLD_ITEMS = "u.data", "u.item"
OLD_FIELDS = (DAT.item, DAT.title, "Released", "Video", "Url")
_GENRES = """
unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir
Horror Musical Mystery Romance Sci-Fi Thriller War Western
"""
OLD_GENRES = tuple(_GENRES.split())
"""Genres in the order of the flags in ``u.item``."""


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``ratings.dat``, ``ratings.csv`` or ``u.data``.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    problems.notes.append(f"{file}: every rating counts as an interaction, whatever its value")
    if suffix(path) == ".csv":
        return tables.read_interactions(path, options, problems, form="csv", usual=CSV)
    separator = "\t" if _is_old(path, OLD_LOG) else UNIT
    data = _dat(path, options, problems)
    table = parse(data, file, separator, options, problems, header=RATING_FIELDS)
    return interactions_from(table, file, options, problems, DAT)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``movies.dat``, ``movies.csv`` or ``u.item``.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    if suffix(path) == ".csv":
        return tables.read_items(path, options, problems, form="csv", usual=CSV)
    data = _dat(path, options, problems)
    if _is_old(path, OLD_ITEMS):
        return items_from(_old_items(data, file, options, problems), file, options, problems, DAT)
    table = parse(data, file, UNIT, options, problems, header=MOVIE_FIELDS)
    return items_from(table, file, options, problems, DAT)


def _dat(path: Path, options: ReadOptions, problems: Problems) -> bytes:
    """Bring a file to UTF-8 (ml-1m is Latin-1, ml-10m UTF-8) and one separator byte."""
    data = load(path, problems, options.max_bytes)
    if options.encoding is None:
        try:
            data.decode()
        except UnicodeDecodeError:
            data = data.decode("latin-1").encode()
    return data.replace(b"::", UNIT.encode())


def _is_old(path: Path, name: str) -> bool:
    return shown_name(path).lower().startswith(name)


def _old_items(data: bytes, file: str, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``u.item``: fields between bars, then a flag for each genre."""
    width = data.partition(b"\n")[0].count(b"|") + 1
    genres = OLD_GENRES[: max(0, width - len(OLD_FIELDS))]
    header = [*OLD_FIELDS, *genres, *map(str, range(width - len(OLD_FIELDS) - len(genres)))]
    data = data.replace(b"|", UNIT.encode())  # its quotes are part of titles
    table = parse(data, file, UNIT, options, problems, header=header[:width])
    flags = [
        pl.when(pl.col(name) == "1").then(pl.lit(name)) for name in genres if name != "unknown"
    ]
    names = pl.concat_list(flags).list.drop_nulls() if flags else pl.lit([], pl.List(pl.String))
    kept = [name for name in OLD_FIELDS[:3] if name in table.columns]
    return table.select(ROW, *kept, names.alias(DAT.categories))


def sniff(path: Path) -> bool:
    """Tell by the header of a ``.csv`` file, double colons of a ``.dat`` file, or ``u.data``."""
    line = first_line(path)
    if _is_old(path, OLD_LOG) or _is_old(path, OLD_ITEMS):
        return line.count("\t") == 3 or line.count("|") >= len(OLD_FIELDS)
    names = set(split_header(line, ","))
    if {CSV.user, CSV.item} <= names or {CSV.item, CSV.categories} <= names:
        return True
    return line.count("::") >= 2 and "\t" not in line and not line.startswith(("{", "["))


def find(files: Sequence[Path]) -> FileSet | None:
    """Find ``ratings`` and ``movies``; a table of one's own may be called ``ratings.csv`` too."""
    for kind in (".csv", ".dat"):
        ratings = named(files, "ratings", (kind,))
        if ratings is not None and Columns.user not in first_line(ratings):
            return ratings, named(files, "movies", (kind,))
    old = {name: [path for path in files if _is_old(path, name)] for name in (OLD_LOG, OLD_ITEMS)}
    if not old[OLD_LOG]:
        return None
    return old[OLD_LOG][0], old[OLD_ITEMS][0] if old[OLD_ITEMS] else None


READER = Reader(read_interactions, read_items, sniff, find)
