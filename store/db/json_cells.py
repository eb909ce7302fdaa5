"""Cells that must hold JSON: where a damaged file has something else, by table, column and row."""

from __future__ import annotations

from typing import Literal, NamedTuple

from sqlalchemy import ColumnClause, Connection, and_, column, func, or_, select, table


class _Cells(NamedTuple):
    """A column of JSON: its table, the key of a row, and the type that is read."""

    table: str
    key: str
    column: str
    type: Literal["array", "object", "any"]


CELLS = (
    _Cells("meta", "key", "value", "any"),
    _Cells("runs", "run_id", "config", "object"),
    _Cells("runs", "run_id", "stats", "object"),
    _Cells("items", "item_id", "categories", "array"),
    _Cells("items", "item_id", "extra", "object"),
    _Cells("subjects", "name", "details", "object"),
    _Cells("prompts", "digest", "messages", "array"),
    _Cells("prompts", "digest", "schema", "object"),
    _Cells("responses", "response_id", "params", "object"),
    _Cells("responses", "response_id", "shown", "array"),
    _Cells("responses", "response_id", "detail", "object"),
    _Cells("questions", "request_digest", "shown", "array"),
    _Cells("edits", "edit_id", "payload", "object"),
    _Cells("cards", "item_ix", "next", "array"),
    _Cells("cases", "case_id", "history", "array"),
    _Cells("cases", "case_id", "candidates", "array"),
    _Cells("nominations", "nomination_id", "settings", "object"),
    _Cells("teacher_hints", "teacher", "hints", "array"),
    _Cells("rankings", "ranking_id", "items", "array"),
)
"""Every column of JSON; a test finds those that are missing here."""


def damaged_cells(connection: Connection, most: int = 20) -> list[str]:
    """Name cells that hold no JSON, or JSON of another type.

    Parameters
    ----------
    connection
        Of a read transaction.
    most
        Most cells of one column that are named.

    Returns
    -------
    list of str
        Such as ``column categories of items, row 'P012'``; empty where all are sound.
    """
    found = []
    for one in CELLS:
        cell: ColumnClause[str] = column(one.column)
        wrong = func.json_valid(cell) == 0
        if one.type != "any":
            other = and_(func.json_valid(cell) == 1, func.json_type(cell) != one.type)
            wrong = or_(wrong, other)
        key: ColumnClause[str] = column(one.key)
        rows = select(key).select_from(table(one.table)).where(wrong).limit(most)
        found += [
            f"column {one.column} of {one.table}, row {value!r}"
            for value in connection.execute(rows).scalars()
        ]
    return found
