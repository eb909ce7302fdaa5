"""A file of users and their side: columns ``user_id`` and ``split``, CSV or TSV, plain or gzip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from store.data.readers.base.problems import Problems, UnusableFileError
from store.data.readers.base.raw_data import ROW
from store.data.readers.formats.tables import read_table
from store.data.readers.text.files import head
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
        table = read_table(
            path, "tsv" if b"\t" in head(path).partition(b"\n")[0] else "csv", problems
        )
    except UnusableFileError:
        raise DataError("; ".join(map(str, problems.first))) from None
    for column in ("user_id", "split"):
        if column not in table.columns:
            names = ", ".join(name for name in table.columns if name != ROW)
            raise DataError(f"{path.name} has no column {column!r}; its columns are {names}")
    if problems.first:
        raise DataError("; ".join(map(str, problems.first)))
    for row, user, word in table.select(ROW, "user_id", "split").iter_rows():
        if user is None:
            raise DataError(f"{path.name}, row {row}, column user_id: the id is missing")
        yield row, user, (word or "").strip()
