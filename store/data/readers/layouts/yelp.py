"""The Yelp Open Dataset: reviews and businesses, one JSON object a line."""

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
from store.data.readers.layouts.published import JSON_NAMES, distinct_items, json_table
from store.data.readers.text.files import named, shown_name

REVIEWS = Columns("user_id", "business_id", "date")
REVIEW_FIELDS = ("user_id", "business_id", "date", "stars")
BUSINESSES = Columns(item="business_id", title="name", categories="categories")
BUSINESS_FIELDS = ("business_id", "name", "city", "state", "stars")


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read reviews; every review counts as an interaction, whatever its stars.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    table = json_table(path, REVIEW_FIELDS, options, problems)
    return interactions_from(table, shown_name(path), options, problems, REVIEWS)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read businesses: name, categories (text with comma and blank, or a list), city and state.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    table = json_table(path, BUSINESS_FIELDS, options, problems, {"categories": _categories})
    table = distinct_items(table, "business_id", file, problems)
    return items_from(table, file, options, problems, BUSINESSES)


def _categories(record: dict[str, Any]) -> list[str]:
    told = record.get("categories")
    if isinstance(told, str):
        told = told.split(", ")
    return [str(one).strip() for one in told or [] if str(one).strip()]


def sniff(path: Path) -> bool:
    """Tell by the fields of the first line."""
    record = first_record(path) or {}
    return {"business_id", "stars"} <= record.keys()


def find(files: Sequence[Path]) -> FileSet | None:
    """Find reviews and businesses, with and without the prefix of the academic data set."""
    for prefix in ("yelp_academic_dataset_", "yelp_dataset_", ""):
        log = named(files, f"{prefix}review", JSON_NAMES)
        if log is not None and sniff(log):
            return log, named(files, f"{prefix}business", JSON_NAMES)
    return None


READER = Reader(read_interactions, read_items, sniff, find, is_json=True)
