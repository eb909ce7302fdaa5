"""Any table → the standard frames; the rows that cannot be used are named and left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.values.times import to_seconds
from store.digests import canonical_json

NO_GENRE = "(no genres listed)"


@dataclass(frozen=True)
class Columns:
    """Names of the columns of one format."""

    user: str = "user_id"
    item: str = "item_id"
    time: str = "timestamp"
    position: str = "position"
    title: str = "title"
    categories: str = "categories"

    def chosen(self, options: ReadOptions) -> Columns:
        """Take the names that the user gave over these."""
        return Columns(
            options.user_column or self.user,
            options.item_column or self.item,
            options.time_column or self.time,
            options.position_column or self.position,
            options.title_column or self.title,
            options.categories_column or self.categories,
        )


def interactions_from(
    table: pl.DataFrame, columns: Columns, file: str, problems: Problems
) -> pl.DataFrame:
    """Bring interactions into the shape of :attr:`RawData.interactions`.

    Raises
    ------
    UnusableFileError
        There is no user, no item, or neither time nor position.
    """
    _require(table, columns.user, "--user-column", file, problems)
    _require(table, columns.item, "--item-column", file, problems)
    if columns.time not in table.columns and columns.position not in table.columns:
        raise problems.fatal(
            Kind.COLUMN,
            file,
            f"there is neither this column nor {columns.position!r}; the file has {_listed(table)};"
            " name one with --time-column or --position-column",
            column=columns.time,
        )
    users = to_text(table[columns.user])
    items = to_text(table[columns.item])
    seconds, bad_time = _times(table, columns, file, problems)
    positions, bad_position = _positions(table, columns, file, problems)
    frame = pl.DataFrame(
        {
            "user_id": _named(users, table, columns.user, file, problems),
            "item_id": _named(items, table, columns.item, file, problems),
            "timestamp": seconds,
            "position": positions,
            "row": table[ROW],
        }
    ).filter(~(bad_time | bad_position))
    frame = frame.filter(pl.col("user_id").is_not_null() & pl.col("item_id").is_not_null())
    return _ordered(frame, columns, file, problems)


def items_from(
    table: pl.DataFrame, columns: Columns, file: str, problems: Problems
) -> pl.DataFrame:
    """Bring items into the shape of :attr:`RawData.items`.

    Categories are split at ``|``, or at ``", "`` where the column holds no ``|``. Columns that are
    none of the three become the JSON object ``extra``.

    Raises
    ------
    UnusableFileError
        There is no column of item ids.
    """
    _require(table, columns.item, "--item-column", file, problems)
    ids = _named(to_text(table[columns.item]), table, columns.item, file, problems)
    if columns.title not in table.columns:
        problems.notes.append(f"{file} has no column {columns.title!r}: items have no titles")
    frame = pl.DataFrame(
        {
            "item_id": ids,
            "title": _titles(table, columns.title),
            "categories": _categories(table, columns.categories),
            "extra": _extra(table, {columns.item, columns.title, columns.categories, ROW}),
            "row": table[ROW],
        }
    ).filter(pl.col("item_id").is_not_null())
    return _distinct_items(frame, columns.item, file, problems)


def to_text(values: pl.Series) -> pl.Series:
    """Ids as text: whole floats lose their point (a column with gaps is float in pandas)."""
    if values.dtype.is_float() and bool((values.drop_nulls().drop_nans() % 1 == 0).all()):
        values = values.fill_nan(None).cast(pl.Int64, strict=False)
    return values.cast(pl.String, strict=False)


def _require(table: pl.DataFrame, column: str, option: str, file: str, problems: Problems) -> None:
    if column not in table.columns:
        raise problems.fatal(
            Kind.COLUMN,
            file,
            f"there is no such column; the file has {_listed(table)}; name the right one with"
            f" {option}",
            column=column,
        )


def _listed(table: pl.DataFrame) -> str:
    return ", ".join(name for name in table.columns if name != ROW)


def _named(
    ids: pl.Series, table: pl.DataFrame, column: str, file: str, problems: Problems
) -> pl.Series:
    """Report the rows without an id; empty text counts as none."""
    ids = ids.set(ids == "", None)
    if ids.null_count():
        bad = pl.DataFrame({"row": table[ROW], "value": ids}).filter(ids.is_null())
        problems.add_rows(Kind.VALUE, bad, file, column, "the id is missing")
    return ids


def _times(
    table: pl.DataFrame, columns: Columns, file: str, problems: Problems
) -> tuple[pl.Series, pl.Series]:
    """Seconds, null where the time is missing, and the rows whose time cannot be read."""
    if columns.time not in table.columns:
        return _absent(table)
    raw = table[columns.time]
    seconds, unit = to_seconds(raw)
    if unit:
        problems.notes.append(f"{file}: column {columns.time} was read as {unit}")
    unread = seconds.is_null() & _given(raw)
    if unread.any():
        bad = pl.DataFrame({"row": table[ROW], "value": raw.cast(pl.String)}).filter(unread)
        said = "{value} is not a time; give unix seconds or an ISO date such as 2014-01-31"
        problems.add_rows(Kind.TIME, bad, file, columns.time, said)
    return seconds, unread


def _positions(
    table: pl.DataFrame, columns: Columns, file: str, problems: Problems
) -> tuple[pl.Series, pl.Series]:
    if columns.position not in table.columns:
        return _absent(table)
    raw = table[columns.position]
    whole = to_text(raw).str.strip_chars().cast(pl.Int64, strict=False)
    unread = whole.is_null() & _given(raw)
    if unread.any():
        bad = pl.DataFrame({"row": table[ROW], "value": raw.cast(pl.String)}).filter(unread)
        said = "{value} is not a whole number"
        problems.add_rows(Kind.POSITION, bad, file, columns.position, said)
    return whole, unread


def _absent(table: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    height = table.height
    return pl.repeat(None, height, dtype=pl.Int64, eager=True), pl.repeat(False, height, eager=True)


def _given(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.String:
        return raw.str.strip_chars().fill_null("") != ""
    if raw.dtype.is_float():
        return raw.is_not_null() & raw.is_not_nan()
    return raw.is_not_null()


def _ordered(frame: pl.DataFrame, columns: Columns, file: str, problems: Problems) -> pl.DataFrame:
    """Leave out rows that cannot be put in order: users need all times or all positions."""
    if not frame["timestamp"].null_count() or not frame["position"].null_count():
        return frame
    no_time = pl.col("timestamp").is_null()
    no_place = pl.col("position").is_null()
    broken = no_time & (no_place | no_place.any().over("user_id"))
    bad = frame.filter(broken).select("row", value=pl.lit(None, dtype=pl.String))
    if bad.height:
        said = "the time is missing and no position gives the order"
        problems.add_rows(Kind.TIME, bad, file, columns.time, said)
    return frame.filter(~broken)


def _titles(table: pl.DataFrame, column: str) -> pl.Series:
    if column not in table.columns:
        return pl.Series(values=[None] * table.height, dtype=pl.String)
    titles = table[column].cast(pl.String).str.strip_chars()
    return titles.set(titles == "", None)


def _categories(table: pl.DataFrame, column: str) -> pl.Series:
    if column not in table.columns:
        return pl.Series(values=[[]] * table.height, dtype=pl.List(pl.String))
    values = table[column]
    if not isinstance(values.dtype, pl.List):
        texts = values.cast(pl.String)
        barred = bool(texts.str.contains("|", literal=True).any())
        values = texts.str.split("|" if barred else ", ")
    names = values.cast(pl.List(pl.String)).list.eval(pl.element().str.strip_chars())
    names = names.list.eval(
        pl.element().filter(~pl.element().is_in(["", NO_GENRE]).fill_null(True))
    )
    return names.fill_null(pl.lit([], dtype=pl.List(pl.String)))


def _extra(table: pl.DataFrame, used: set[str]) -> pl.Series:
    rest = [name for name in table.columns if name not in used]
    if not rest:
        return pl.Series(values=["{}"] * table.height, dtype=pl.String)
    rows = table.select(rest).iter_rows(named=True)
    return pl.Series(values=[_json_object(row) for row in rows], dtype=pl.String)


def _json_object(row: dict[str, Any]) -> str:
    kept = {
        name: value for name, value in row.items() if value not in (None, "") and value == value
    }
    return canonical_json(json.loads(json.dumps(kept, default=str)))


def _distinct_items(
    frame: pl.DataFrame, column: str, file: str, problems: Problems
) -> pl.DataFrame:
    """Report ids that stand in more than one row; the first row is kept."""
    if frame["item_id"].n_unique() == frame.height:
        return frame
    frame = frame.with_columns(first=pl.col("row").first().over("item_id"))
    for row, item, first in (
        frame.filter(pl.col("row") != pl.col("first")).select("row", "item_id", "first").iter_rows()
    ):
        said = f"item {item!r} stands in row {first} already; keep one row for each item"
        problems.add(Kind.DUPLICATE, file, said, row=row, column=column, value=item)
    return frame.filter(pl.col("row") == pl.col("first")).drop("first")
