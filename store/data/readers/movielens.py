"""MovieLens as GroupLens publishes it: ``.dat`` files separated by ``::``, or ``.csv`` files.

Every rating counts as an interaction, whatever its value.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from store.data.readers import tables
from store.data.readers.columns import Columns, interactions_from, items_from
from store.data.readers.delimited import UNIT, parse
from store.data.readers.files import load, suffix
from store.data.readers.problems import Problems, ReadOptions

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
        return tables.read_interactions(path, "csv", options, problems, CSV)
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
        return tables.read_items(path, "csv", options, problems, CSV)
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
