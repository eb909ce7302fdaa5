"""DataFrames from Python: pandas, polars and pyarrow, through narwhals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import narwhals as nw
import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.columns.interactions import interactions_from
from store.data.readers.columns.items import items_from
from store.data.readers.formats.tables import numbered
from store.data.readers.values.categories import flatten
from store.data.readers.values.ids import id_text
from store.data.readers.values.texts import whole_signs
from store.errors import DataError

INTERACTIONS = "interactions frame"
ITEMS = "items frame"
_FAULTS = (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError)


def read_interactions(frame: Any, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read a frame with a row for each interaction.

    Raises
    ------
    UnusableFileError
        It has no rows or lacks a column; ``problems`` says which.
    """
    table = numbered(to_polars(frame, INTERACTIONS, problems), INTERACTIONS, problems)
    return interactions_from(table, INTERACTIONS, options, problems)


def read_items(frame: Any, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read a frame with a row for each item.

    Raises
    ------
    UnusableFileError
        It has no rows or lacks a column; ``problems`` says which.
    """
    table = numbered(to_polars(frame, ITEMS, problems), ITEMS, problems)
    return items_from(table, ITEMS, options, problems)


def to_polars(frame: Any, name: str, problems: Problems) -> pl.DataFrame:
    """Convert any frame that narwhals knows.

    Raises
    ------
    DataError
        It is not a frame, two columns have one name, or a column cannot be read.
    """
    _refuse_repeated(frame, name)
    try:
        native = nw.from_native(frame)
    except TypeError as error:
        raise DataError(
            f"cannot read the {name} ({type(frame).__name__}): give a pandas, polars or pyarrow"
            " frame, or the path of a file"
        ) from error
    try:
        eager = native.collect() if isinstance(native, nw.LazyFrame) else native
        columns = [_column(eager, column, name, problems) for column in eager.columns]
        return pl.DataFrame(columns)
    except _FAULTS as error:
        raise DataError(f"cannot read the {name} ({type(frame).__name__}): {error}") from error


def _refuse_repeated(frame: Any, name: str) -> None:
    if hasattr(frame, "collect_schema"):  # a lazy frame of polars, whose names are distinct
        return
    columns = getattr(frame, "column_names", getattr(frame, "columns", ()))
    names = [str(column) for column in columns]
    twice = next((one for place, one in enumerate(names) if one in names[:place]), None)
    if twice is not None:
        raise DataError(f"two columns of the {name} are named {twice!r}; rename one")


def _column(frame: Any, column: str, name: str, problems: Problems) -> pl.Series:
    """One column as polars has it; columns of Python objects become text or lists."""
    series = frame[column]
    title = str(column)
    arrow = getattr(getattr(series.to_native(), "type", None), "extension_name", None)
    if series.dtype != nw.Object and arrow is None:
        try:
            values = series.to_polars().rename(title)
        except _FAULTS:
            pass  # such as text with half of a sign: taken value by value
        else:
            return values if values.dtype != pl.Object else _objects(title, values, name, problems)
    return _objects(title, series.to_list(), name, problems)


def _objects(title: str, values: Sequence[Any], name: str, problems: Problems) -> pl.Series:
    """Bring Python objects into a column, by what they are and not by what pandas stores."""
    there = [None if _is_missing(value) else value for value in values]
    kinds = {type(value) for value in there if value is not None}
    if any(issubclass(kind, dict) for kind in kinds):
        described = [None if value is None else str(value) for value in there]
        return pl.Series(title, [{"object": text} for text in described])
    if any(_is_list(value) for value in there):
        lists = [None if value is None else flatten(_plain(value)) for value in there]
        return pl.Series(title, lists, dtype=pl.List(pl.String))
    if kinds and all(issubclass(kind, bytes) for kind in kinds):
        return pl.Series(title, there, dtype=pl.Binary)
    return _texts(title, there, name, problems)


def _texts(title: str, values: Sequence[Any], name: str, problems: Problems) -> pl.Series:
    """Column of the texts of single values; halves of signs become U+FFFD."""
    texts = [None if value is None else _text(value) for value in values]
    whole = [None if text is None else whole_signs(text) for text in texts]
    if whole != texts:
        problems.notes.append(
            f"{name}: column {title} holds halves of signs, which were replaced by U+FFFD"
        )
    return pl.Series(title, whole, dtype=pl.String)


def _is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA, of which the last is equal to nothing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) or getattr(value, "ndim", 0) > 0


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _text(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    text = id_text(value)
    return text if isinstance(text, str) else str(value)
