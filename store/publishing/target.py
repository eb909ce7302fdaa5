"""What every target offers: the version that is visible, and a new one in a single step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    import polars as pl

    from store.publishing.address import Address
    from store.publishing.state import State
    from store.publishing.tables import PublishedTable

Rows: TypeAlias = Iterator[Sequence[Any]]
CHUNK = 20_000
"""Rows handed to a target at a time. Our choice."""


@dataclass(frozen=True)
class Changes:
    """Rows of a table that came, changed and went."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


class Writer(ABC):
    """A version that is being written; nobody sees it before it is whole."""

    @abstractmethod
    def replace(self, table: PublishedTable, rows: Rows, width: int = 0) -> Changes:
        """Bring a table to exactly these rows; ``width`` is that of vectors."""

    @abstractmethod
    def finish(self, state: State, *, keep: bool = True) -> None:
        """Make the version visible; or, where ``keep`` is false, undo everything."""


class Target(ABC):
    """A place where a store is published. Use as a context manager.

    Parameters
    ----------
    address
        Where it is.

    Attributes
    ----------
    keeps_former
        Whether the version before stays beside a new one until :meth:`sweep` removes it.
    """

    keeps_former: ClassVar[bool] = False

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def __enter__(self) -> Target:
        """Connect, alone: a second publisher waits or is refused."""

    @abstractmethod
    def __exit__(self, *_: object) -> None:
        """Let go; what was not finished is undone."""

    @abstractmethod
    def state(self) -> State | None:
        """The version that is visible; None where nothing is published."""

    @abstractmethod
    def lists(self) -> pl.DataFrame | None:
        """The lists that are published; None where there are none."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[Writer]:
        """A new version."""

    @abstractmethod
    def sweep(self) -> str:
        """Rewrite the target's files without what was deleted; why not, or nothing."""

    def without_vectors(self) -> str:
        """Why the target takes no vectors, or nothing."""
        return ""


def arrow_schema(table: PublishedTable) -> pa.Schema:
    """Columns of a table in Arrow's types."""
    types = {
        "text": pa.string(),
        "whole": pa.int64(),
        "real": pa.float64(),
        "flag": pa.bool_(),
        "texts": pa.list_(pa.string()),
        "reals": pa.list_(pa.float64()),
        "vector": pa.list_(pa.float32()),
    }
    return pa.schema([(name, types[kind]) for name, kind in table.columns.items()])


def arrow_chunks(table: PublishedTable, rows: Rows) -> Iterator[pa.Table]:
    """Rows as Arrow tables of at most :data:`CHUNK` rows."""
    schema = arrow_schema(table)
    while chunk := list(islice(rows, CHUNK)):
        yield pa.table([list(column) for column in zip(*chunk, strict=True)], schema=schema)
