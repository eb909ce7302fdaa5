"""The tables that are published, with their columns and keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1
"""Of the published tables; a target of another version is not written."""

ColumnKind = Literal["text", "whole", "real", "flag", "texts", "reals", "vector"]


@dataclass(frozen=True)
class PublishedTable:
    """A table.

    Attributes
    ----------
    name
        In the target.
    key
        Columns that tell its rows.
    columns
        Kind of each column, in order.
    searched
        Text columns that the full text index covers, where the target has one.
    looked_up
        Columns with an index of their own, where the target has indexes.
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, ColumnKind]
    searched: tuple[str, ...] = ()
    looked_up: tuple[str, ...] = ()


TABLES = (
    PublishedTable("users", ("user_id",), {"user_id": "text", "interactions": "whole"}),
    PublishedTable(
        "items",
        ("item_id",),
        {"item_id": "text", "title": "text", "categories": "texts"},
        searched=("title",),
    ),
    PublishedTable(
        "interests",
        ("interest_id",),
        {
            "interest_id": "whole",
            "subject": "text",
            "kind": "text",
            "label": "text",
            "description": "text",
            "strength": "real",
            "source": "text",
            "response_id": "whole",
            "canonical_id": "whole",
            "pinned": "flag",
            "proven": "flag",
            "users": "whole",
        },
        searched=("label", "description"),
        looked_up=("canonical_id",),
    ),
    PublishedTable(
        "evidence",
        ("interest_id", "item_id"),
        {"interest_id": "whole", "item_id": "text", "position": "whole"},
        looked_up=("item_id",),
    ),
    PublishedTable(
        "user_interests",
        ("user_id", "through", "interest_id"),
        {
            "user_id": "text",
            "through": "text",
            "interest_id": "whole",
            "subject": "text",
            "weight": "real",
        },
        looked_up=("interest_id",),
    ),
    PublishedTable(
        "assignments",
        ("user_id", "interest_id"),
        {
            "user_id": "text",
            "interest_id": "whole",
            "rank": "whole",
            "score": "real",
            "items": "texts",
            "similarities": "reals",
        },
        looked_up=("interest_id",),
    ),
    PublishedTable("histories", ("user_id",), {"user_id": "text", "items": "texts"}),
    PublishedTable(
        "lists",
        ("user_id", "rank"),
        {
            "user_id": "text",
            "rank": "whole",
            "item_id": "text",
            "score": "real",
            "interest": "whole",
        },
        looked_up=("item_id",),
    ),
    PublishedTable(
        "explanations",
        ("user_id", "item_id"),
        {
            "user_id": "text",
            "item_id": "text",
            "sentence": "text",
            "interest_id": "whole",
            "because": "texts",
        },
    ),
)
VECTORS = (
    PublishedTable(
        "interest_vectors", ("interest_id",), {"interest_id": "whole", "vector": "vector"}
    ),
    PublishedTable("item_vectors", ("item_id",), {"item_id": "text", "vector": "vector"}),
)
"""Tables that are published where vectors are asked for."""


def known_tables() -> dict[str, PublishedTable]:
    """Every table that may be published, by name."""
    return {one.name: one for one in (*TABLES, *VECTORS)}
