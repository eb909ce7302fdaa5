"""DataFrames from Python: pandas, polars and pyarrow, through narwhals."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems
from store.data.readers.columns.standard import Columns, interactions_from, items_from
from store.data.readers.formats.tables import numbered
from store.errors import DataError

INTERACTIONS = "interactions frame"
ITEMS = "items frame"


def read_interactions(frame: Any, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read a frame with a row for each interaction.

    Raises
    ------
    UnusableFileError
        It has no rows or lacks a column; ``problems`` says which.
    """
    table = numbered(to_polars(frame, INTERACTIONS), INTERACTIONS, problems)
    return interactions_from(table, Columns().chosen(options), INTERACTIONS, problems)


def read_items(frame: Any, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read a frame with a row for each item.

    Raises
    ------
    UnusableFileError
        It has no rows or lacks a column; ``problems`` says which.
    """
    table = numbered(to_polars(frame, ITEMS), ITEMS, problems)
    return items_from(table, Columns().chosen(options), ITEMS, problems)


def to_polars(frame: Any, name: str) -> pl.DataFrame:
    """Convert any frame that narwhals knows.

    Raises
    ------
    DataError
        It is not a frame, or a column mixes types.
    """
    try:
        native = nw.from_native(frame)
        eager = native.collect() if isinstance(native, nw.LazyFrame) else native
        return eager.to_polars()
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"cannot read the {name} ({type(frame).__name__}): {error}; give a pandas, polars or"
            " pyarrow frame with one type in each column"
        ) from error
