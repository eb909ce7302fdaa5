"""The ids of one column, with every row that has none reported."""

from __future__ import annotations

import polars as pl

from store.data.readers.base.problems import Kind, Problems
from store.data.readers.base.raw_data import ROW
from store.data.readers.values.ids import to_ids, unfit_type


def ids_of(table: pl.DataFrame, column: str, file: str, problems: Problems) -> pl.Series:
    """Ids of a column, null where there is none; such rows are reported.

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
        (Kind.VALUE, missing, "the id is missing"),
    ):
        if mask.any():
            bad = pl.DataFrame({"row": table[ROW], "value": ids.texts}).filter(mask)
            problems.add_rows(kind, bad, file, column, said)
    return ids.texts.set(nul, None) if nul.any() else ids.texts
