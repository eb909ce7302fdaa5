"""JSON objects, one on each line or all in a list; the names are those of Amazon's reviews.

The files of 2014, 2018 and 2023 name things differently; those of 2014 also exist with lines that
are Python literals instead of JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.base.reader import FileSet, Reader
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import item_columns, items_from
from store.data.readers.columns.names import Columns
from store.data.readers.columns.selection import selected_columns
from store.data.readers.columns.suggestions import SAMPLE, usual_names
from store.data.readers.formats.json_records import (
    Record,
    first_record,
    has,
    ids_of,
    names_in,
    read_records,
    table_of,
)
from store.data.readers.text.files import first_line, shown_name, single, suffix
from store.data.readers.text.header import folded
from store.data.readers.values.categories import flatten, split_texts
from store.data.readers.values.texts import value_text

USERS = ("reviewerID", "user_id")
ITEMS = ("parent_asin", "asin", "item_id")
TIMES = ("unixReviewTime", "timestamp")
POSITIONS = ("position",)
TITLES = ("title",)
CATEGORIES = ("categories", "category")
BRANDS = ("brand", "store")
BAD = "\0bad"
"""Column that marks objects with an id that is none."""


def read_interactions(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read reviews; every review counts as an interaction.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    records = read_records(path, options, problems)
    usual = Columns(
        _name(USERS, records),
        _name(ITEMS, records),
        _name(TIMES, records),
        _name(POSITIONS, records),
    )
    names = names_in(records)
    columns = usual.chosen(options, names)
    ids, ordering = [columns.user, columns.item], [columns.time, columns.position]
    if all(has(records, name) for name in ids) and any(has(records, name) for name in ordering):
        texts = [columns.title, columns.categories] if options.items is None else []
        wanted = [*ids, *ordering, *selected_columns(options), *_signals(names)]
        asked = options.title_column, options.categories_column
        wanted += [name for name, given in zip(texts, asked, strict=False) if given is not None]
    else:  # all fields of the first objects, so that what may be meant can be named
        records, wanted = records[:SAMPLE], names
    table = _with_ids(table_of(records, wanted), records, ids, file, problems)
    if columns.categories in table.columns and options.categories_column is not None:
        table = _with_lists(table, columns.categories, records, options)
    table = table.filter(~pl.col(BAD)).drop(BAD)
    return interactions_from(table, file, options, problems, usual, with_texts=False)


def read_items(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read metadata: title, categories, brand and price. Rows that repeat an item are merged.

    Raises
    ------
    UnusableFileError
        The file cannot be read at all; ``problems`` says why.
    """
    file = shown_name(path)
    records = read_records(path, options, problems)
    usual = Columns(item=_name(ITEMS, records), title=_name(TITLES, records))
    names = names_in(records)
    columns = item_columns(usual, names, options)
    wanted = [columns.item, columns.title, "price", *BRANDS]
    if options.categories_column is not None:
        wanted.append(columns.categories)
    if not has(records, columns.item):
        records, wanted = records[:SAMPLE], names
    table = _with_ids(table_of(records, wanted), records, [columns.item], file, problems)
    table = _one_brand(table)
    if columns.title in table.columns:
        titles = [value_text(row.get(columns.title)) for _, row in records]
        table = table.with_columns(pl.Series(columns.title, titles, pl.String))
    if columns.categories in table.columns or options.categories_column is None:
        table = _with_lists(table, columns.categories, records, options)
    table = table.filter(~pl.col(BAD)).drop(BAD)
    if columns.item in table.columns:
        table = _merge_repeats(table, file, problems)
    return items_from(table, file, options, problems, usual)


def is_reviews(record: dict[str, object]) -> bool:
    """Tell a review from metadata: a review has a user."""
    return any(name in record for name in USERS)


def _name(names: tuple[str, ...], records: Sequence[Record]) -> str:
    return next((name for name in names if has(records, name)), names[-1])


def _signals(names: Sequence[str]) -> list[str]:
    """Fields that say what kind of event a record is, or how it was rated."""
    usual = {name for role in ("event", "rating", "quantity") for name in usual_names(role)}
    return [name for name in names if folded(name) in usual]


def _with_ids(
    table: pl.DataFrame,
    records: Sequence[Record],
    names: Sequence[str],
    file: str,
    problems: Problems,
) -> pl.DataFrame:
    """Put ids in, by the rule for ids and not as they are written; mark what is none."""
    bad = [False] * len(records)
    for name in names:
        if name in table.columns:
            texts, faults = ids_of(records, name, file, problems)
            table = table.with_columns(pl.Series(name, texts, pl.String))
            bad = [one or other for one, other in zip(bad, faults, strict=True)]
    return table.with_columns(pl.Series(BAD, bad, pl.Boolean))


def _with_lists(
    table: pl.DataFrame, name: str, records: Sequence[Record], options: ReadOptions
) -> pl.DataFrame:
    """Put categories in as lists: paths are joined, texts split by the rule of the column."""
    if options.categories_column is None:
        values = [_usual_categories(record) for _, record in records]
    else:
        values = [record.get(name) for _, record in records]
    texts = pl.Series(
        [value if isinstance(value, str) else None for value in values], dtype=pl.String
    )
    split = split_texts(texts.str.strip_chars(), options.category_separator).to_list()
    lists = [
        parts if isinstance(value, str) else flatten(value)
        for value, parts in zip(values, split, strict=True)
    ]
    return table.with_columns(pl.Series(name, lists, pl.List(pl.String)))


def _usual_categories(record: dict[str, object]) -> Any:
    """Categories under their usual names; ``categories`` is a list of paths in 2014."""
    found = next((record[name] for name in CATEGORIES if record.get(name)), None)
    if found is not None and (isinstance(found, str) or flatten(found)):
        return found
    main = value_text(record.get("main_category") or record.get("main_cat"))
    return [main] if main else None


def _one_brand(table: pl.DataFrame) -> pl.DataFrame:
    """Keep one column of brands, under one name."""
    found = [name for name in BRANDS if name in table.columns]
    return table.drop(found[1:]).rename({found[0]: BRANDS[0]}) if found else table


def _merge_repeats(table: pl.DataFrame, file: str, problems: Problems) -> pl.DataFrame:
    """Merge rows that are equal in all that is kept: the published metadata repeat items."""
    kept = [name for name in table.columns if name != ROW]
    merged = table.unique(subset=kept, keep="first", maintain_order=True)
    repeats = table.height - merged.height
    if repeats:
        problems.notes.append(f"{file}: {repeats:,} rows repeat an item word for word; merged")
    return merged


def sniff(path: Path) -> bool:
    """Tell by the first line: an object or a list."""
    return first_line(path).startswith(("{", "["))


def find(files: Sequence[Path]) -> FileSet | None:
    """Find the file of reviews and that of metadata; a review has a user."""
    reviews: list[Path] = []
    metadata: list[Path] = []
    for path in files:
        if suffix(path) not in (".json", ".jsonl", ".ndjson"):
            continue
        record = first_record(path)
        if record is not None:
            (reviews if is_reviews(record) else metadata).append(path)
    if not reviews:
        return None
    return single(reviews, "reviews"), single(metadata, "metadata") if metadata else None


READER = Reader(read_interactions, read_items, sniff, find, is_json=True)
