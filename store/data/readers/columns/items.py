"""Any table → the standard frame of items; rows that cannot be used are named and left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.columns.ids import ids_of
from store.data.readers.columns.names import Columns, column_at, parameter, refuse_repeated
from store.data.readers.columns.suggestions import find_column
from store.data.readers.columns.texts import category_lists, titles
from store.data.readers.values.extra import json_object

_PLURAL = {"title": "titles", "categories": "categories"}


def items_from(
    table: pl.DataFrame,
    file: str,
    options: ReadOptions,
    problems: Problems,
    usual: Columns | None = None,
) -> pl.DataFrame:
    """Bring items into the shape of :attr:`RawData.items`.

    Columns that are none of id, title and categories become the JSON object ``extra``.

    Parameters
    ----------
    table
        A row for each item, of any types, with the column :data:`ROW`.
    usual
        Names of the columns in this format, where the options do not name others.

    Raises
    ------
    UnusableFileError
        There is no column of item ids, or what it holds are no ids.
    """
    columns = item_columns(usual or Columns(), table.columns, options)
    refuse_repeated(
        table.columns, [columns.item, columns.title, columns.categories], file, problems
    )
    _require(table, columns, options, file, problems)
    _require_texts(table, columns, options, file, problems)
    frame = pl.DataFrame(
        {
            "item_id": ids_of(table, columns.item, file, options, problems),
            "title": titles(table, columns.title, file, problems),
            "categories": category_lists(table, columns.categories, options, file, problems),
            "extra": _extra(table, {columns.item, columns.title, columns.categories, ROW}),
            "row": table[ROW],
        }
    ).filter(pl.col("item_id").is_not_null())
    return _distinct_items(frame, columns.item, file, problems)


def item_columns(usual: Columns, names: Sequence[str], options: ReadOptions) -> Columns:
    """Columns of an item file; ``item_column`` names that of the interactions first of all."""
    columns = usual.chosen(options, names)
    own = options.item_file_column
    if own is not None:
        return replace(columns, item=column_at(own, names))
    if options.item_column not in names and usual.item in names:
        return replace(columns, item=usual.item)
    return columns


def _require(
    table: pl.DataFrame, columns: Columns, options: ReadOptions, file: str, problems: Problems
) -> None:
    if columns.item in table.columns:
        return
    meant = find_column("item", table)
    advice = f"did you mean {meant!r}? " if meant else ""
    listed = ", ".join(name for name in table.columns if name != ROW)
    raise problems.fatal(
        Kind.COLUMN,
        file,
        f"there is no such column; {advice}the file has {listed}; name the right one with"
        f" {'item_file_column' if options.item_column else 'item_column'}",
        column=columns.item,
    )


def _require_texts(
    table: pl.DataFrame, columns: Columns, options: ReadOptions, file: str, problems: Problems
) -> None:
    """Report columns of texts that the user named and that are not there."""
    listed = ", ".join(name for name in table.columns if name != ROW)
    for role, name in (("title", columns.title), ("categories", columns.categories)):
        if name in table.columns:
            continue
        meant = find_column(role, table, frozenset([columns.item]))
        advice = f"; did you mean {meant!r}?" if meant else ""
        if getattr(options, parameter(role)) is not None:
            said = f"there is no such column{advice or f'; the file has {listed}'}"
            problems.add(Kind.COLUMN, file, said, column=name)
        elif role == "title":
            if meant is not None:
                problems.proposed[parameter(role)] = meant
                advice += f" Name it with {parameter(role)}"
            problems.notes.append(f"{file} has no column {name!r}: items have no titles{advice}")


def items_in_rows(
    log: pl.DataFrame, file: str, options: ReadOptions, problems: Problems
) -> pl.DataFrame:
    """Items by the titles and categories that the rows of a log have: the first that is given.

    Parameters
    ----------
    log
        Interactions with a column ``title`` or ``categories``, or both.
    """
    texts = [name for name in ("title", "categories") if name in log.columns]
    found = log.select("item_id", "row", *texts).group_by("item_id", maintain_order=True)
    first = [pl.col(name).drop_nulls().first() for name in texts]
    table = found.agg(pl.col("row").first(), *first).rename({"row": ROW})
    if "title" in texts:
        _note_changes(log, file, problems)
    items = pl.DataFrame(
        {
            "item_id": table["item_id"],
            "title": titles(table, "title", file, problems),
            "categories": category_lists(table, "categories", options, file, problems),
            "extra": _extra(table, set(table.columns)),
            "row": table[ROW],
        }
    )
    problems.notes.append(
        f"{file}: {' and '.join(_PLURAL[name] for name in texts)} of items are taken from its rows"
    )
    return items


def _note_changes(log: pl.DataFrame, file: str, problems: Problems) -> None:
    counts = log.group_by("item_id").agg(pl.col("title").drop_nulls().n_unique())
    changing = int((counts["title"] > 1).sum())
    if changing:
        problems.notes.append(
            f"{file}: {changing:,} items have more than one title in its rows; the first is used"
        )


def _extra(table: pl.DataFrame, used: set[str]) -> pl.Series:
    rest = [name for name in table.columns if name not in used]
    if not rest:
        return pl.Series(values=["{}"] * table.height, dtype=pl.String)
    rows = table[rest].iter_rows(named=True)
    return pl.Series(values=[json_object(row) for row in rows], dtype=pl.String)


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
