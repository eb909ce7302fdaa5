"""What databases have in common: what is asked of them, and batches of rows written to a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from store.data.readers.base.options import ReadOptions
from store.data.readers.sources.source import Tell
from store.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 50_000
"""Rows that are in memory at a time while a result is copied. Our choice."""


@dataclass(frozen=True)
class Wanted:
    """One result of a database.

    Attributes
    ----------
    role
        ``interactions`` or ``items``.
    table, query
        What is read; one of them is given.
    """

    role: str
    table: str | None
    query: str | None

    @property
    def name(self) -> str:
        """Name of the result in messages and of the file that it is copied to."""
        if self.table is not None:
            return self.table.replace("/", "_")
        return "query" if self.role == "interactions" else "items query"

    @property
    def detail(self) -> str:
        """What stores keep of it; the text of a query may name users and is not kept."""
        return f"table {self.table}" if self.table is not None else "a query"


def wanted(options: ReadOptions, address: str, tables: Iterable[str] = ()) -> list[Wanted]:
    """Return what is read of a database: the interactions and, where they are named, the items.

    Parameters
    ----------
    options
        ``table`` or ``query``, and ``items_table`` or ``items_query``.
    address
        The database, for messages.
    tables
        Names of its tables, for messages.

    Raises
    ------
    DataError
        Neither table nor query is given, or both, or items twice.
    """
    if options.format is not None:
        raise DataError(f"format={options.format}: {address} is a database; leave `format` out")
    if (options.table is None) == (options.query is None):
        said = "both `table` and `query` are given; give one" if options.table else None
        listed = ", ".join(list(tables)[:10])
        raise DataError(
            f"{address}: {said}"
            if said
            else f"{address}: name what to read with `table` or `query`"
            + (f"; its tables are {listed}" if listed else "")
        )
    found = [Wanted("interactions", options.table, options.query)]
    of_items = options.items_table, options.items_query
    if of_items == (None, None):
        return found
    if None not in of_items or options.items is not None:
        raise DataError(
            f"{address}: items are named twice; give one of `items`, `items_table` and"
            " `items_query`"
        )
    return [*found, Wanted("items", *of_items)]


def write_batches(
    batches: Iterable[pa.RecordBatch], path: Path, named: str, max_bytes: int, tell: Tell
) -> None:
    """Write rows to a Parquet file, one batch after the other; only one is in memory.

    Parameters
    ----------
    batches
        All of one schema.
    path
        The new file.
    named
        The result, for messages.
    max_bytes
        Largest size of the file.
    tell
        Told how many rows were written.

    Raises
    ------
    DataError
        There are no rows, a column is of a type that cannot be kept, or the file is too large.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        for batch in _filled(batches):
            if writer is None:
                writer = pq.ParquetWriter(path, batch.schema, compression="zstd")
            writer.write_batch(batch)
            rows += batch.num_rows
            tell(f"reading {named}", rows, 0)
            if path.stat().st_size > max_bytes:
                raise DataError(
                    f"{named} gives more than {max_bytes:,} bytes; raise max_bytes if it is to be"
                    " read all the same"
                )
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise DataError(
            f"{named}: a column is of a type that cannot be read ({error}); leave it out or turn it"
            " into text in `query`"
        ) from None
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        raise DataError(f"{named} gives no rows; check the table, or the conditions of the query")


def _filled(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return (batch for batch in batches if batch.num_rows)
