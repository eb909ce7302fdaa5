"""The ids of one column, with every row that has none reported."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.values.ids import to_ids, unfit_type

LEAVE_OUT = "rows without a user, an item or a time can be left out with drop_incomplete"


def ids_of(
    table: pl.DataFrame, column: str, file: str, options: ReadOptions, problems: Problems
) -> pl.Series:
    """Ids of a column, null where there is none; such rows are reported, or only counted.

    Raises
    ------
    UnusableFileError
        The column holds nothing that can be an id.
    """
    unfit = unfit_type(table[column].dtype)
    if unfit is not None:
        raise problems.fatal(
            Kind.COLUMN,
            file,
            f"the column holds {unfit}, not ids; give text or numbers",
            column=column,
        )
    ids = to_ids(table[column])
    problems.notes += [f"{file}: column {column} {note}" for note in ids.notes]
    nul = ids.texts.str.contains("\0", literal=True).fill_null(False)
    missing = ids.texts.is_null() & ~ids.unusable
    for kind, mask, said in (
        (Kind.ID, ids.unusable, "what is here is no id; give text or a number"),
        (Kind.ID, nul, "the id holds a NUL byte"),
    ):
        if mask.any():
            bad = pl.DataFrame({"row": table[ROW], "value": ids.texts}).filter(mask)
            problems.add_rows(kind, bad, file, column, said)
    missed = Missing(Kind.VALUE, "the id is missing", file, column)
    report_missing(table[ROW].filter(missing), missed, options, problems)
    return ids.texts.set(nul, None) if nul.any() else ids.texts


class Missing(NamedTuple):
    """A value that rows lack: what to call it, and where it should stand."""

    kind: Kind
    said: str
    file: str
    column: str


def report_missing(
    rows: pl.Series, what: Missing, options: ReadOptions, problems: Problems
) -> None:
    """Name rows that lack a value as problems, or note how many are left out.

    Parameters
    ----------
    rows
        int64, the numbers of these rows.
    """
    if not len(rows):
        return
    if options.drop_incomplete:
        left = "1 row" if len(rows) == 1 else f"{len(rows):,} rows"
        problems.notes.append(f"{what.file}: left out {left} without {what.column}")
        return
    bad = pl.DataFrame({"row": rows, "value": pl.Series([None] * len(rows), dtype=pl.String)})
    problems.add_rows(what.kind, bad, what.file, what.column, what.said)
    if LEAVE_OUT not in problems.advice:
        problems.advice.append(LEAVE_OUT)
