"""Rows that a user wants to keep: some kinds of events, ratings from a number on."""

from __future__ import annotations

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.columns.names import column_at
from store.data.readers.columns.suggestions import numbers
from store.errors import DataError
from store.suggestions import did_you_mean

_SHOWN = 8


def selected_columns(options: ReadOptions) -> list[str]:
    """Names of the columns that decide which rows are kept.

    Raises
    ------
    DataError
        A choice is not of the form ``COLUMN=VALUE``, or its number is none.
    """
    return [column for column, _ in [*_choices(options), *_minima(options)]]


def select_rows(
    table: pl.DataFrame, options: ReadOptions, file: str, problems: Problems
) -> pl.DataFrame:
    """Keep the rows that the user wants; how many they are is noted.

    Raises
    ------
    DataError
        A choice is not of the form ``COLUMN=VALUE``, or its number is none.
    UnusableFileError
        There is no such column, no row has a value that is asked for, or none is left.
    """
    for column, values in _choices(options):
        name = _there(column, table, file, problems)
        texts = table[name].cast(pl.String, strict=False).str.strip_chars()
        _refuse_unknown(values, texts, name, file, problems)
        said = f"{name} is {' or '.join(values)}"
        table = _kept(table, texts.is_in(values), said, file, problems)
    for column, least in _minima(options):
        name = _there(column, table, file, problems)
        enough = numbers(table[name]) >= least
        table = _kept(table, enough, f"{name} is at least {least:g}", file, problems)
    return table


def _choices(options: ReadOptions) -> list[tuple[str, list[str]]]:
    return [
        (column, [value.strip() for value in values.split(",")])
        for column, values in (_parts(text, "event=purchase,refund") for text in options.keep)
    ]


def _minima(options: ReadOptions) -> list[tuple[str, float]]:
    return [
        (column, _number(value, column))
        for column, value in (_parts(text, "rating=4") for text in options.minimum)
    ]


def _number(text: str, column: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    if value != value:
        raise DataError(f"{column}={text}: {text!r} is not a number; give one such as rating=4")
    return value


def _parts(text: str, example: str) -> tuple[str, str]:
    column, equals, value = text.rpartition("=")
    if not equals or not column.strip() or not value.strip():
        raise DataError(f"{text!r} names no column and value; write it as {example}")
    return column.strip(), value.strip()


def _there(column: str, table: pl.DataFrame, file: str, problems: Problems) -> str:
    name = column_at(column, table.columns)
    if name not in table.columns or isinstance(table[name].dtype, pl.List | pl.Struct | pl.Array):
        listed = ", ".join(other for other in table.columns if other != ROW)
        raise problems.fatal(
            Kind.COLUMN,
            file,
            f"there is no such column to choose rows by; the file has {listed}",
            column=column,
        )
    return name


def _refuse_unknown(
    values: list[str], texts: pl.Series, name: str, file: str, problems: Problems
) -> None:
    counts = texts.drop_nulls().value_counts(sort=True, name="count")
    known = counts.to_series(0).to_list()
    for value in values:
        if value in known:
            continue
        shown = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
        raise problems.fatal(
            Kind.VALUE,
            file,
            f"no row has the value {value!r}; there are {shown}" + did_you_mean(value, known),
            column=name,
            value=value,
        )


def _kept(
    table: pl.DataFrame, mask: pl.Series, said: str, file: str, problems: Problems
) -> pl.DataFrame:
    kept = table.filter(mask.fill_null(False))
    problems.notes.append(f"{file}: {kept.height:,} of {table.height:,} rows kept, where {said}")
    if not kept.height:
        raise problems.fatal(Kind.EMPTY, file, f"no row is left where {said}")
    return kept
