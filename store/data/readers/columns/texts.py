"""Titles and categories of a column, of any type, as people read them."""

from __future__ import annotations

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.values.categories import flatten, split_texts, tidy_lists
from store.data.readers.values.entities import unescape
from store.data.readers.values.texts import clean_texts, value_text

_EMPTY = pl.Series(values=[[]], dtype=pl.List(pl.String))


def titles(table: pl.DataFrame, column: str, file: str, problems: Problems) -> pl.Series:
    """Titles of a column as people read them, String ``[rows]``, null where there is none."""
    if column not in table.columns:
        return pl.Series(values=[None] * table.height, dtype=pl.String)
    values = table[column]
    if isinstance(values.dtype, pl.List | pl.Array | pl.Struct):
        said = "the column holds lists or objects, not titles; give text"
        problems.add(Kind.COLUMN, file, said, column=column)
        return pl.Series(values=[None] * table.height, dtype=pl.String)
    texts, unescaped = clean_texts(_as_text(values))
    if unescaped:
        problems.notes.append(
            f"{file}: {unescaped:,} titles held HTML entities such as &amp;, which were unescaped"
        )
    return texts


def category_lists(
    table: pl.DataFrame, column: str, options: ReadOptions, file: str, problems: Problems
) -> pl.Series:
    """Categories of a column, List(String) ``[rows]``, empty where there are none."""
    if column not in table.columns:
        return _EMPTY.new_from_index(0, table.height)
    values = table[column]
    if isinstance(values.dtype, pl.List | pl.Array):
        lists = [flatten(value) for value in values.to_list()] if _nested(values) else None
        if lists is not None:
            return pl.Series(values=lists, dtype=pl.List(pl.String))
        values = values.cast(pl.List(pl.String), strict=False)
        return _unescaped(tidy_lists(values), file, problems)
    if isinstance(values.dtype, pl.Struct):
        said = "the column holds objects, not categories; give text or lists of text"
        problems.add(Kind.COLUMN, file, said, column=column)
        return _EMPTY.new_from_index(0, table.height)
    if values.dtype == pl.Object:
        lists = [flatten(value) for value in values.to_list()]
        return pl.Series(values=lists, dtype=pl.List(pl.String))
    texts, unescaped = clean_texts(_as_text(values))
    if unescaped:
        problems.notes.append(
            f"{file}: {unescaped:,} categories held HTML entities such as &amp;, which were"
            " unescaped"
        )
    return split_texts(texts, options.category_separator)


def _nested(values: pl.Series) -> bool:
    inner = getattr(values.dtype, "inner", None)
    return isinstance(inner, pl.List | pl.Array | pl.Struct) or inner in (pl.Binary, pl.Object)


def _unescaped(lists: pl.Series, file: str, problems: Problems) -> pl.Series:
    """Unescape the names in lists of categories."""
    _, unescaped = clean_texts(lists.explode())
    if not unescaped:
        return lists
    problems.notes.append(
        f"{file}: {unescaped:,} categories held HTML entities such as &amp;, which were unescaped"
    )
    plain = [[" ".join(unescape(name).split()) for name in names] for names in lists.to_list()]
    return pl.Series(values=plain, dtype=lists.dtype)


def _as_text(values: pl.Series) -> pl.Series:
    if values.dtype in (pl.Object, pl.Binary):
        return pl.Series([value_text(value) for value in values.to_list()], dtype=pl.String)
    return values.cast(pl.String, strict=False)
