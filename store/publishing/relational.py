"""What databases share: tables, and bringing one to new rows by three statements.

New rows are loaded into a table of the session beside the published one; what differs is then
deleted, updated and inserted, so that a row that did not change is not written.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Delete,
    Double,
    Insert,
    MetaData,
    Table,
    Text,
    Update,
    and_,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.types import TypeEngine, UserDefinedType

from store.publishing.tables import ColumnKind, PublishedTable

PUBLICATION = "publication"
"""Table with a row for each version that was published."""
STAGE = "stage_"

TypeOf = Callable[[ColumnKind, int], TypeEngine[Any]]


class FloatList(UserDefinedType[Any]):
    """DuckDB's list of small floats."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type in a statement."""
        return "FLOAT[]"


def plain_type(kind: ColumnKind, width: int) -> TypeEngine[Any]:
    """The type of a column; vectors are lists."""
    types: dict[ColumnKind, TypeEngine[Any]] = {
        "text": Text(),
        "whole": BigInteger(),
        "real": Double(),
        "flag": Boolean(),
        "texts": ARRAY(Text()),
        "reals": ARRAY(Double()),
        "vector": FloatList(),
    }
    return types[kind]


@cache
def publication(schema: str) -> Table:
    """The table of versions; its content is JSON, so that it can grow."""
    return Table(
        PUBLICATION,
        MetaData(),
        Column("version", BigInteger, nullable=False),
        Column("published_at", Text, nullable=False),
        Column("schema_version", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        schema=schema,
    )


def published(
    table: PublishedTable, schema: str, type_of: TypeOf = plain_type, width: int = 0
) -> Table:
    """The table as it is in the target."""
    columns = (
        Column(name, type_of(kind, width), nullable=name not in table.key)
        for name, kind in table.columns.items()
    )
    return Table(table.name, MetaData(), *columns, schema=schema)


def stage(table: PublishedTable, type_of: TypeOf = plain_type, width: int = 0) -> Table:
    """The table of the session that new rows are loaded into."""
    columns = (Column(name, type_of(kind, width)) for name, kind in table.columns.items())
    return Table(STAGE + table.name, MetaData(), *columns, prefixes=["TEMPORARY"])


def bring_to(
    table: PublishedTable, ours: Table, new: Table
) -> tuple[Delete, Update | None, Insert]:
    """Statements that make ``ours`` hold what ``new`` holds, in the order to run them."""
    same = and_(*(ours.c[name] == new.c[name] for name in table.key))
    gone = delete(ours).where(~exists(select(new.c[table.key[0]]).where(same)))
    come = insert(ours).from_select(
        list(table.columns),
        select(*new.c).where(~exists(select(ours.c[table.key[0]]).where(same))),
    )
    others = [name for name in table.columns if name not in table.key]
    if not others:
        return gone, None, come
    differs = or_(*(ours.c[name].is_distinct_from(new.c[name]) for name in others))
    changed = update(ours).values({name: new.c[name] for name in others}).where(same, differs)
    return gone, changed, come
