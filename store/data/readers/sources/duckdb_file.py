"""DuckDB: a table or a query of a database file, which is opened for reading only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from store.data.readers.base.options import ReadOptions
from store.data.readers.sources.address import Location
from store.data.readers.sources.database import BATCH, Wanted, wanted, write_batches
from store.data.readers.sources.source import Brought, Source, Tell
from store.data.readers.text.files import shown_path
from store.errors import DataError, UserError
from store.suggestions import did_you_mean

_TABLES = (
    "SELECT CASE table_schema WHEN 'main' THEN table_name "
    "ELSE table_schema || '.' || table_name END FROM information_schema.tables ORDER BY 1"
)


def bring(location: Location, options: ReadOptions, folder: Path, tell: Tell) -> Brought:
    """Copy what is asked for into Parquet files.

    Raises
    ------
    DataError
        There is no such file, table or column, the query writes, or there are no rows.
    UserError
        The package is not installed.
    """
    driver = _driver()
    address = location.recorded
    connection = _connected(driver, _path(location))
    try:
        tables = _table_names(connection)
        parts = wanted(options, address, tables)
        paths = {}
        for part in parts:
            paths[part.role] = folder / part.role / part.name
            paths[part.role].parent.mkdir()
            named = f"{part.detail} of {address}"
            try:
                batches = _result(driver, connection, part, address).to_arrow_reader(BATCH)
                write_batches(batches, paths[part.role], named, options.max_bytes, tell)
            except driver.Error as error:
                raise _refused(error, part, address, tables) from None
    finally:
        connection.close()
    detail = ", items: ".join(part.detail for part in parts)
    return Brought(paths["interactions"], paths.get("items"), detail=detail)


def _driver() -> Any:
    try:
        import duckdb
    except ImportError:
        raise UserError(
            "duckdb: needs the package of that name; install it with: "
            "pip install 'interest-profiler[duckdb]'"
        ) from None
    return duckdb


def _path(location: Location) -> Path:
    """The file: ``duckdb:shop.duckdb``, or with two slashes before a path, as SQLAlchemy has it."""
    text = location.text.partition(":")[2]
    return Path(text.removeprefix("//") if text.startswith("///") else text)


def _connected(driver: Any, path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"no such DuckDB file: {shown_path(path)}")
    settings = {"autoinstall_known_extensions": "false"}
    try:
        return driver.connect(str(path), read_only=True, config=settings)
    except driver.Error as error:
        raise DataError(
            f"cannot open {shown_path(path)}: {_first_line(error)}; check that it is a DuckDB file"
            " and that no other program writes it"
        ) from None


def _table_names(connection: Any) -> list[str]:
    return [name for (name,) in connection.execute(_TABLES).fetchall()]


def _result(driver: Any, connection: Any, part: Wanted, address: str) -> Any:
    if part.table is not None:
        return connection.table(part.table)
    statements = connection.extract_statements(part.query or "")
    if len(statements) != 1 or statements[0].type != driver.StatementType.SELECT:
        raise DataError(
            f"{address}: {part.role} must come from one query that only reads (one SELECT);"
            " nothing was changed"
        )
    return connection.sql(statements[0].query)  # rows are made as they are fetched


def _refused(error: Any, part: Wanted, address: str, tables: list[str]) -> DataError:
    said = _first_line(error)
    if part.table is not None:
        said += did_you_mean(part.table, tables)
    listed = ", ".join(tables[:10]) or "none"
    return DataError(f"{address}: {part.detail} cannot be read: {said}; its tables are {listed}")


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n")[0].split()).rstrip("!. ")


SOURCE = Source(bring, has_tables=True)
