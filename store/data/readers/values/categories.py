"""Categories of an item: one text for all of them, or a list.

How one text is split belongs to the format. MovieLens separates by ``|``. Anywhere else the column
decides: bars where it has any; else `` > ``, as in ``Kitchen > Coffee``; else commas. Commas
separate together with the blank behind them (``Doctors, Health & Medical`` are two), unless most of
the column has commas without a blank: then those separate and a comma with a blank belongs to a
name (``Grocery,Coffee, Tea & Cocoa`` are two).
"""

from __future__ import annotations

from typing import Any

import polars as pl

from store.data.readers.values.texts import value_text

NO_GENRE = "(no genres listed)"
TIGHT = ",x"
"""Stands for a comma without a blank behind it."""

_TEXTS = pl.List(pl.String)
_TIGHT = r",(\S)"
_UNIT = "\x1f"


def separator_of(texts: pl.Series) -> str:
    """Tell what separates the categories of a column of texts."""
    for mark in ("|", " > "):
        if texts.str.contains(mark, literal=True).any():
            return mark
    loose = int(texts.str.contains(", ", literal=True).sum())
    # 1,000 is a number.
    tight = int(texts.str.replace_all(r"\d,\d", "").str.contains(_TIGHT).sum())
    return TIGHT if tight > loose else ", "


def split_texts(texts: pl.Series, separator: str | None = None) -> pl.Series:
    """Split texts into lists of names without empty ones; null becomes an empty list."""
    separator = separator or separator_of(texts)
    if separator == TIGHT:
        texts, separator = texts.str.replace_all(_TIGHT, _UNIT + "$1"), _UNIT
    return tidy_lists(texts.str.split(separator))


def tidy_lists(lists: pl.Series) -> pl.Series:
    """Strip names and leave out empty ones; null becomes an empty list."""
    names = lists.cast(_TEXTS, strict=False).list.eval(pl.element().str.strip_chars())
    names = names.list.eval(
        pl.element().filter(~pl.element().is_in(["", NO_GENRE]).fill_null(True))
    )
    return names.fill_null(pl.lit([], dtype=_TEXTS))


def flatten(value: Any) -> list[str]:
    """Names in a list of names, or of paths of names, each once; what is no text is left out."""
    names: dict[str, None] = {}
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list | tuple):
            left.extend(reversed(one))
        elif isinstance(one, set | frozenset):
            left.extend(sorted((str(part) for part in one), reverse=True))
        elif (text := value_text(one)) is not None:
            names.setdefault(text)
    return [name for name in names if name != NO_GENRE]
