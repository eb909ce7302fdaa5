"""Recommendation lists out of a Parquet file, as ``recommender export`` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from store.errors import UserError
from store.files import reason_of

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("user_id", "rank", "item_id", "score", "interest")


def read_lists(path: Path) -> pl.DataFrame:
    """Read lists: user_id, rank (from 1), item_id, score, interest.

    Raises
    ------
    UserError
        If the file cannot be read, lacks a column, or names a place of a list twice.
    """
    import polars as pl

    if not path.is_file():
        raise UserError(
            f"`lists` {path}: no such file; write one with: recommender export MODEL --parquet FILE"
        )
    try:
        with path.open("rb") as file:
            frame = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"`lists` {path} cannot be read as Parquet: {reason_of(error)}") from error
    absent = [name for name in COLUMNS if name not in frame.columns]
    if absent:
        raise UserError(
            f"`lists` {path} has no column {absent[0]!r}; lists have {', '.join(COLUMNS)}"
        )
    try:
        found = frame.select(
            pl.col("user_id").cast(pl.String),
            pl.col("rank").cast(pl.Int64),
            pl.col("item_id").cast(pl.String),
            pl.col("score").cast(pl.Float64),
            pl.col("interest").cast(pl.Int64),
        )
    except pl.exceptions.PolarsError as error:
        raise UserError(f"`lists` {path}: {str(error).splitlines()[0]}") from error
    if found.null_count().sum_horizontal().item():
        raise UserError(f"`lists` {path} has rows with empty cells")
    twice = found.filter(found.select("user_id", "rank").is_duplicated())
    if twice.height:
        raise UserError(
            f"`lists` {path} has place {twice['rank'][0]} of user {twice['user_id'][0]!r} twice"
        )
    return found
