"""Goodreads in its published layout, made here."""

from __future__ import annotations

import gzip
import json

import pytest

from store.data.readers import ReadOptions, read

LOG = [
    {
        "user_id": "8842281e1d1347389f2ab93d60773d4d",
        "book_id": "130580",
        "review_id": "330f9c153c8d3347eb914c06b89c94da",
        "is_read": True,
        "rating": 4,
        "review_text_incomplete": "",
        "date_added": "Mon Aug 01 13:41:57 -0700 2011",
        "date_updated": "Mon Aug 01 13:42:41 -0700 2011",
        "read_at": "Fri Jan 01 00:00:00 -0800 1988",
        "started_at": "",
    },
    {
        "user_id": "7504b2aee1ecb5b2872d3da381c6c91e",
        "book_id": "18466",
        "is_read": False,
        "rating": 0,
        "date_added": "Wed Jan 02 09:00:00 -0800 2013",
    },
]
BOOKS = [
    {
        "book_id": "130580",
        "title": "Meditación, “a”",
        "publication_year": "1991",
        "popular_shelves": [
            {"count": "30", "name": "to-read"},
            {"count": "9", "name": "philosophy"},
            {"count": "2", "name": "stoicism"},
        ],
        "description": "long",
    },
    {"book_id": "18466", "title": "Bees", "popular_shelves": []},
]
GENRES = [{"book_id": "130580", "genres": {"non-fiction": 3, "history, biography": 30}}]


def write(path, rows):
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "goodreads_interactions_poetry.json.gz", LOG)
    write(tmp_path / "goodreads_books_poetry.json.gz", BOOKS)
    return tmp_path


def test_interactions_and_books(folder):
    """Fault: a zone before the year was refused; shelves such as to-read were genres."""
    raw = read(folder)
    assert (raw.format, raw.problems) == ("goodreads", [])
    assert raw.interactions.select("user_id", "item_id", "timestamp").rows() == [
        ("8842281e1d1347389f2ab93d60773d4d", "130580", 1312231317),
        ("7504b2aee1ecb5b2872d3da381c6c91e", "18466", 1357146000),
    ]
    assert raw.items.select("title", "categories").rows() == [
        ("Meditación, “a”", ["philosophy", "stoicism"]),
        ("Bees", []),
    ]
    assert read(folder, ReadOptions(keep=("is_read=True",))).interactions.height == 1
    assert read(folder, ReadOptions(minimum=("rating=1",))).interactions.height == 1


def test_genres_beside_the_books(folder):
    write(folder / "goodreads_book_genres_initial.json.gz", GENRES)
    assert read(folder).items["categories"].to_list() == [
        ["history", "biography", "non-fiction"],
        [],
    ]
