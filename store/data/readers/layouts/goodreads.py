"""The UCSD Book Graph of Goodreads: interactions or reviews, books, and genres of books."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.columns.names import Columns
from store.data.readers.formats.json_records import first_record
from store.data.readers.layouts.published import (
    JSON_NAMES,
    distinct_items,
    each_object,
    json_table,
)
from store.data.readers.text.files import named, shown_name, stem, suffix, visible_files

LOG = Columns("user_id", "book_id", "date_added")
LOG_FIELDS = ("user_id", "book_id", "date_added", "rating", "is_read")
BOOKS = Columns(item="book_id", title="title", categories="genres")
BOOK_FIELDS = ("book_id", "title", "publication_year", "language_code", "average_rating")
GENRES = "goodreads_book_genres_initial"
_STATES = """
to-read currently-reading read owned books-i-own favorites favourites default wish-list
did-not-finish dnf library kindle ebook ebooks my-books owned-books to-buy
"""
STATES = frozenset(_STATES.split())
"""Shelves that say what a reader did with a book and not what it is about."""

MOST_SHELVES = 5


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read interactions or reviews; a book on a shelf counts, read or not, rated or not.

    Times are those at which a book was added. Rows of the future or of no rating stay.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    table = json_table(path, LOG_FIELDS, options, problems)
    file = shown_name(path)
    problems.notes.append(
        f"{file}: books on a shelf count, read or not; keep=is_read=True would keep those read"
    )
    return interactions_from(table, file, options, problems, LOG)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read books; genres come from the file of genres beside it, else from popular shelves.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    genres = _genres(path, options, problems)

    def categories(record: dict[str, Any]) -> Sequence[str]:
        return genres.get(str(record.get("book_id"))) or _shelves(record)

    table = json_table(path, BOOK_FIELDS, options, problems, {"genres": categories})
    table = distinct_items(table, "book_id", file, problems)
    return items_from(table, file, options, problems, BOOKS)


def _genres(path: Path, options: ReadOptions, problems: Problems) -> dict[str, list[str]]:
    """Genres by book, the commonest first; each key of the publication names several at a time."""
    found = named(visible_files(path.parent), GENRES, JSON_NAMES)
    if found is None:
        problems.notes.append(
            f"{shown_name(path)}: there is no {GENRES}.json.gz beside it; categories are the most"
            " popular shelves"
        )
        return {}
    genres = {}
    for _, record in each_object(found, options, problems):
        counts = record.get("genres")
        if isinstance(counts, dict):
            keys = sorted(counts, key=lambda key: -(counts[key] or 0))
            genres[str(record.get("book_id"))] = [
                genre.strip() for key in keys for genre in key.split(",") if genre.strip()
            ]
    return genres


def _shelves(record: dict[str, Any]) -> list[str]:
    shelves = [one for one in record.get("popular_shelves") or [] if isinstance(one, dict)]
    names = [str(one.get("name")) for one in shelves if one.get("name")]
    return [name for name in names if name not in STATES][:MOST_SHELVES]


def sniff(path: Path) -> bool:
    """Tell by the fields of the first line."""
    record = first_record(path) or {}
    return {"book_id", "date_added"} <= record.keys() or {
        "book_id",
        "popular_shelves",
    } <= record.keys()


def find(files: Sequence[Path]) -> FileSet | None:
    """Find interactions, else reviews, of all books or of one genre, and the books of the same."""
    for kind in ("interactions", "reviews"):
        start = f"goodreads_{kind}"
        for path in files:
            if stem(path).startswith(start) and suffix(path) in JSON_NAMES and sniff(path):
                genre = stem(path).removeprefix(start).removeprefix("_dedup")
                books = named(files, f"goodreads_books{genre}", JSON_NAMES)
                return path, books or named(files, "goodreads_books", JSON_NAMES)
    return None


READER = Reader(read_interactions, read_items, sniff, find, is_json=True)
