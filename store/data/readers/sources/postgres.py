"""PostgreSQL: a table or a query is read in one read-only transaction, batch by batch.

The rows come through a cursor on the server, so that only one batch is in memory. Numbers keep
their type; times, decimals and everything else come as the text that PostgreSQL writes, which the
readers check value by value as they check that of a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.data.readers.base.options import ReadOptions
from store.data.readers.sources.address import Location
from store.data.readers.sources.database import BATCH, Wanted, wanted, write_batches
from store.data.readers.sources.source import Brought, Source, Tell
from store.errors import DataError, UserError
from store.suggestions import did_you_mean

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

CONNECT_S = 15
"""Seconds to wait for a connection, unless the address says otherwise. Our choice."""

_TABLES = (
    "SELECT CASE table_schema WHEN 'public' THEN table_name "
    "ELSE table_schema || '.' || table_name END FROM information_schema.tables "
    "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 LIMIT 1000"
)
_WRITES = frozenset({"25006", "0A000", "42601"})
"""States of a query that is refused as it stands: it writes, or is no single query."""

_WHOLE, _FRACTION, _YES_NO, _TEXT_LISTS = (20, 21, 23, 26), (700, 701), (16,), (1009, 1014, 1015)
_AS_TEXT = """
date time timetz timestamp timestamptz interval numeric uuid json jsonb bytea inet cidr
"""


def bring(location: Location, options: ReadOptions, folder: Path, tell: Tell) -> Brought:
    """Copy what is asked for into Parquet files.

    Raises
    ------
    DataError
        There is no such database, table or column, the query writes, or there are no rows.
    UserError
        The package is not installed.
    """
    address = location.recorded
    tell(f"connecting to {address}", 0, 0)
    with _connected(location) as connection:
        tables = [] if options.table or options.query else _table_names(connection)
        parts = wanted(options, address, tables)
        paths = {}
        for part in parts:
            paths[part.role] = folder / part.role / part.name
            paths[part.role].parent.mkdir()
            batches = _batches(connection, part, address)
            named = f"{part.detail} of {address}"
            write_batches(batches, paths[part.role], named, options.max_bytes, tell)
    detail = ", items: ".join(part.detail for part in parts)
    return Brought(paths["interactions"], paths.get("items"), detail=detail)


def _driver() -> Any:
    try:
        import psycopg
    except ImportError:
        raise UserError(
            "postgresql:// needs the package psycopg; install it with: "
            "pip install 'interest-profiler[postgres]'"
        ) from None
    return psycopg


@contextmanager
def _connected(location: Location) -> Iterator[psycopg.Connection[Any]]:
    """A connection that can only read and sees one state of the database."""
    driver = _driver()
    address = location.recorded
    try:
        rest = location.text[location.text.index(":") :]  # without SQLAlchemy's +psycopg
        how = driver.conninfo.conninfo_to_dict("postgresql" + rest)
    except driver.Error:
        raise DataError(
            f"{address} cannot be read as an address; write it as"
            " postgresql://USER@HOST:PORT/DATABASE, with %-signs for unusual characters"
        ) from None
    secrets = [str(value) for key, value in how.items() if "password" in key and value]
    how.setdefault("connect_timeout", CONNECT_S)
    how.setdefault("application_name", "interest-profiler")
    try:
        connection = driver.connect(**how)
    except driver.Error as error:
        raise DataError(
            f"cannot connect to {address}: {_without(str(error), secrets)}; check the address, and"
            " give the password in PGPASSWORD or ~/.pgpass"
        ) from None
    try:
        with connection:
            connection.read_only = True
            connection.isolation_level = driver.IsolationLevel.REPEATABLE_READ
            connection.execute("SET LOCAL TIME ZONE 'UTC'")
            connection.execute("SET LOCAL datestyle TO 'ISO'")
            for kind in _AS_TEXT.split():
                connection.adapters.register_loader(kind, driver.types.string.TextLoader)
            yield connection
    except driver.OperationalError as error:
        said = _without(str(error), secrets)
        raise DataError(f"{address} broke off: {said}; run the command again") from None
    finally:
        connection.close()


def _without(message: str, secrets: list[str]) -> str:
    """First line of a message, with every secret taken out."""
    line = " ".join(message.split("\n")[0].split())
    for secret in secrets:
        line = line.replace(secret, "***")
    return line.rstrip(".")


def _table_names(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute(_TABLES)]


def _batches(
    connection: psycopg.Connection[Any], part: Wanted, address: str
) -> Iterator[pa.RecordBatch]:
    """Rows of a result, batch by batch."""
    driver = _driver()
    cursor = connection.cursor(name=f"profiler_{part.role}")
    if part.table is None:
        statement: Any = (part.query or "").strip().rstrip(";")
    else:
        names = driver.sql.Identifier(*_parts(part.table))
        statement = driver.sql.SQL("SELECT * FROM {}").format(names)
    try:
        cursor.execute(statement)
        columns = [(one.name, one.type_code) for one in cursor.description or ()]
        while rows := cursor.fetchmany(BATCH):
            yield _batch(rows, columns)
    except driver.OperationalError:
        raise
    except driver.Error as error:
        raise _refused(error, connection, part, address) from None


def _parts(table: str) -> list[str]:
    """Schema and name of a table; a name in double quotes may hold points."""
    if table.startswith('"') and table.endswith('"'):
        return [one.replace('""', '"') for one in table[1:-1].split('"."')]
    return table.split(".")


def _refused(
    error: Any, connection: psycopg.Connection[Any], part: Wanted, address: str
) -> DataError:
    said = _without(error.diag.message_primary or str(error), [])
    if error.sqlstate in ("42P01", "3F000"):
        connection.rollback()
        known = _table_names(connection)
        listed = ", ".join(known[:10]) or "none"
        meant = did_you_mean(part.table or "", known) if part.table else ""
        return DataError(f"{address}: {said}{meant}; its tables are {listed}")
    if error.sqlstate in _WRITES:
        return DataError(
            f"{address}: {part.role} must come from one query that only reads: {said}; nothing was"
            " changed"
        )
    return DataError(f"{address}: {part.detail} cannot be read: {said}")


def _batch(rows: list[tuple[Any, ...]], columns: list[tuple[str, int]]) -> pa.RecordBatch:
    import pyarrow as pa

    values = zip(*rows, strict=True)
    arrays = [_column(one, code) for one, (_, code) in zip(values, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=[name for name, _ in columns])


def _column(values: tuple[Any, ...], code: int) -> pa.Array:
    import pyarrow as pa

    if code in _WHOLE:
        return pa.array(values, pa.int64())
    if code in _FRACTION:
        return pa.array(values, pa.float64())
    if code in _YES_NO:
        return pa.array(values, pa.bool_())
    if code in _TEXT_LISTS:
        return pa.array(values, pa.list_(pa.string()))
    return pa.array([None if one is None else str(one) for one in values], pa.string())


SOURCE = Source(bring, has_tables=True)
