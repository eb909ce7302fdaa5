"""A DuckDB file as a target: one transaction a version, written anew when somebody leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from sqlalchemy import ClauseElement, Table, column, insert, select
from sqlalchemy import table as loose_table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateSchema, CreateTable, DropTable

from store.files import Target as File
from store.files import narrowest, whole_file
from store.publishing.address import Address, PublishError
from store.publishing.relational import (
    PUBLICATION,
    bring_to,
    publication,
    published,
    stage,
)
from store.publishing.state import State
from store.publishing.tables import PublishedTable, known_tables
from store.publishing.target import CHUNK, Changes, Rows, Target, Writer, arrow_chunks

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "interest_profiler"
_MAGIC = b"DUCK"
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
_ADD_VERSION = f"INSERT INTO {SCHEMA}.{PUBLICATION} VALUES (?, ?, ?, ?)"  # noqa: S608
_NEWEST = f"SELECT state FROM {SCHEMA}.{PUBLICATION} ORDER BY version DESC LIMIT 1"  # noqa: S608
_COPY_VERSIONS = f"SELECT * FROM {SCHEMA}.{PUBLICATION} ORDER BY version"  # noqa: S608


def sql(element: ClauseElement) -> str:
    """A statement without values, as PostgreSQL and DuckDB both read it."""
    return str(element.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


@contextmanager
def told(address: Address) -> Iterator[None]:
    """Say what DuckDB refuses in one line."""
    try:
        yield
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise PublishError(f"{address.shown} is in use by another program; close it") from None
        raise PublishError(f"{address.shown}: {address.clean(error)}") from None
    except duckdb.Error as error:
        raise PublishError(f"{address.shown}: {address.clean(error)}") from None


class DuckFile(Target):
    """A schema of a DuckDB file.

    Parameters
    ----------
    address
        Where it is.
    like
        Files whose permissions a new file gets: those of the store.
    """

    def __init__(self, address: Address, like: Path) -> None:
        super().__init__(address)
        self._like = like
        self._made = False
        self._open: duckdb.DuckDBPyConnection | None = None

    def __enter__(self) -> DuckFile:
        path = self.address.path
        if not path.resolve().parent.is_dir():
            raise PublishError(f"no folder {path.parent}; make it first")
        if path.is_dir():
            raise PublishError(f"{path} is a folder; name a file")
        self._made = not path.exists()
        if not self._made:  # an empty file, too: DuckDB opens one called NAME.tsv in memory alone
            with path.open("rb") as file:
                if file.read(12)[8:] != _MAGIC:
                    raise PublishError(f"{path} is no DuckDB file and is left alone; name another")
        with told(self.address):
            self._open = duckdb.connect(path)
        if self._made:
            path.chmod(path.stat().st_mode & narrowest([self._like])[0])
        return self

    def __exit__(self, *_: object) -> None:
        if self._open is not None:
            with suppress(duckdb.Error):
                self._open.rollback()
            nothing = self._made and not self._names()
            self._open.close()
            self._open = None
            if nothing:
                self.address.path.unlink(missing_ok=True)

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._open is None:
            raise RuntimeError("a target is used as a context manager")
        return self._open

    def _names(self) -> set[str]:
        return {row[0] for row in self._connection.execute(_TABLES, [SCHEMA]).fetchall()}

    def state(self) -> State | None:
        """The version that is visible."""
        with told(self.address):
            names = self._names()
            if not names:
                return None
            if PUBLICATION not in names:
                raise PublishError(
                    f"{self.address.shown} has tables in the schema {SCHEMA} that publish did not "
                    "make; move them away first"
                )
            row = self._connection.execute(_NEWEST).fetchone()
        return None if row is None else State.of_json(json.loads(row[0]))

    def lists(self) -> pl.DataFrame | None:
        """The lists that are published."""
        import polars as pl

        with told(self.address):
            if "lists" not in self._names():
                return None
            query = sql(select(*published(known_tables()["lists"], SCHEMA).c))
            found = pl.from_arrow(self._connection.sql(query).to_arrow_table())
        return found if isinstance(found, pl.DataFrame) else None

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A new version."""
        with told(self.address):
            self._connection.begin()
            yield _DuckWriter(self._connection)

    def sweep(self) -> str:
        """Write the file anew: DuckDB leaves deleted rows in it."""
        path = self.address.path.resolve()
        mode, group = narrowest([path])
        target = File(path, overwrite=True, mode=mode, group=group)
        with whole_file(target) as partial, told(self.address):
            partial.unlink()  # DuckDB makes its files itself
            new = duckdb.connect(partial)
            try:
                self._copy(new)
            finally:
                new.close()
            self.__exit__()
        return ""

    def _copy(self, new: duckdb.DuckDBPyConnection) -> None:
        names = self._names()
        new.execute(sql(CreateSchema(SCHEMA)))
        tables = [published(one, SCHEMA) for name, one in known_tables().items() if name in names]
        for table in tables:
            new.execute(sql(CreateTable(table)))
            rows = self._connection.sql(sql(select(*table.c))).to_arrow_reader(CHUNK)
            for batch in rows:
                _insert(new, table, pa.Table.from_batches([batch]))
        new.execute(sql(CreateTable(publication(SCHEMA))))
        versions = self._connection.execute(_COPY_VERSIONS).fetchall()
        for place, (version, at, schema_version, state) in enumerate(versions):
            if place == len(versions) - 1:
                state = json.dumps(json.loads(state) | {"swept": True}, sort_keys=True)
            new.execute(_ADD_VERSION, [version, at, schema_version, state])


class _DuckWriter(Writer):
    """One transaction, which has begun."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute(sql(CreateSchema(SCHEMA, if_not_exists=True)))
        connection.execute(sql(CreateTable(publication(SCHEMA), if_not_exists=True)))

    def replace(self, table: PublishedTable, rows: Rows, width: int = 0) -> Changes:
        ours, new = published(table, SCHEMA), stage(table)
        self._connection.execute(sql(CreateTable(ours, if_not_exists=True)))
        self._connection.execute(sql(CreateTable(new)))
        for chunk in arrow_chunks(table, rows):
            _insert(self._connection, new, chunk)
        counts = [0 if one is None else self._count(sql(one)) for one in bring_to(table, ours, new)]
        self._connection.execute(sql(DropTable(new)))
        return Changes(inserted=counts[2], updated=counts[1], deleted=counts[0])

    def _count(self, statement: str) -> int:
        row = self._connection.execute(statement).fetchone()
        return 0 if row is None else int(row[0])

    def finish(self, state: State, *, keep: bool = True) -> None:
        if not keep:
            self._connection.rollback()
            return
        said = json.dumps(state.to_json(), sort_keys=True)
        row = [state.version, state.published_at, state.schema_version, said]
        self._connection.execute(_ADD_VERSION, row)
        self._connection.commit()


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: pa.Table) -> None:
    added = loose_table("rows_to_add", *(column(one.name) for one in table.c))
    connection.register(added.name, rows)
    connection.execute(sql(insert(table).from_select(table.c.keys(), select(*added.c))))
    connection.unregister(added.name)
