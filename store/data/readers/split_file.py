"""A file of users and their side: columns ``user_id`` and ``split``, CSV or TSV, packed or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems, UnusableFileError
from store.data.readers.base.raw_data import ROW
from store.data.readers.formats.tables import read_table
from store.data.readers.text.files import first_line, rereadable
from store.data.readers.values.ids import to_ids
from store.errors import DataError


def read_rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield row number, user id and the word given for it.

    Raises
    ------
    DataError
        The file cannot be read or lacks a column.
    """
    problems = Problems()
    try:
        with rereadable(path) as file:
            form = "tsv" if "\t" in first_line(file) else "csv"
            table = read_table(file, form, ReadOptions(header=True), problems)
    except UnusableFileError:
        raise DataError("; ".join(map(str, problems.first))) from None
    for column in ("user_id", "split"):
        if column not in table.columns:
            names = ", ".join(name for name in table.columns if name != ROW)
            raise DataError(f"{path.name} has no column {column!r}; its columns are {names}")
    if problems.first:
        raise DataError("; ".join(map(str, problems.first)))
    users = to_ids(table["user_id"]).texts
    for row, user, word in zip(table[ROW], users, table["split"], strict=True):
        if user is None:
            raise DataError(f"{path.name}, row {row}, column user_id: the id is missing")
        yield row, user, (word or "").strip()
