"""MovieLens as GroupLens publishes it: ``.dat`` files separated by ``::``, or ``.csv`` files.

Every rating counts as an interaction, whatever its value.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.standard import Columns, interactions_from, items_from
from store.data.readers.formats import tables
from store.data.readers.text.delimited import UNIT, parse, split_header
from store.data.readers.text.files import first_line, load, named, suffix

CSV = Columns("userId", "movieId", "timestamp", "position", "title", "genres")
DAT = Columns("UserID", "MovieID", "Timestamp", "Position", "Title", "Genres")
RATING_FIELDS = (DAT.user, DAT.item, "Rating", DAT.time)
MOVIE_FIELDS = (DAT.item, DAT.title, DAT.categories)


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``ratings.dat`` or ``ratings.csv``.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    problems.notes.append(f"{path.name}: every rating counts as an interaction, whatever its value")
    if suffix(path) == ".csv":
        return tables.read_interactions(path, options, problems, form="csv", usual=CSV)
    table = parse(_dat(path, problems), path.name, UNIT, problems, header=RATING_FIELDS)
    return interactions_from(table, DAT, path.name, problems)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read ``movies.dat`` or ``movies.csv``.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    if suffix(path) == ".csv":
        return tables.read_items(path, options, problems, form="csv", usual=CSV)
    table = parse(_dat(path, problems), path.name, UNIT, problems, header=MOVIE_FIELDS)
    return items_from(table, DAT, path.name, problems)


def _dat(path: Path, problems: Problems) -> bytes:
    """Bring a ``.dat`` file to UTF-8 (ml-1m is Latin-1, ml-10m UTF-8) and one separator byte."""
    data = load(path, problems)
    try:
        data.decode()
    except UnicodeDecodeError:
        data = data.decode("latin-1").encode()
    return data.replace(b"::", UNIT.encode())


def sniff(path: Path) -> bool:
    """Tell by the header of a ``.csv`` file, or by the double colons of a ``.dat`` file."""
    line = first_line(path)
    names = set(split_header(line, ","))
    if {CSV.user, CSV.item} <= names or {CSV.item, CSV.categories} <= names:
        return True
    return line.count("::") >= 2 and "\t" not in line and not line.startswith("{")


def find(files: Sequence[Path]) -> FileSet | None:
    """Find ``ratings`` and ``movies``; a table of one's own may be called ``ratings.csv`` too."""
    for kind in (".csv", ".dat"):
        ratings = named(files, "ratings", (kind,))
        if ratings is not None and Columns.user not in first_line(ratings):
            return ratings, named(files, "movies", (kind,))
    return None


READER = Reader(read_interactions, read_items, sniff, find)
