"""PostgreSQL as a target: one transaction a version, full text search, pgvector where it is.

Identifiers come from :mod:`store.publishing.tables` alone. Rows are loaded by COPY. Text columns
keep no statistics and the tables of the session are never analysed, so that no word of a person
outlives its row in the planner's tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import (
    Column,
    Computed,
    Connection,
    Engine,
    Index,
    PrimaryKeyConstraint,
    Table,
    create_engine,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateSchema, CreateTable

from store.publishing.address import Address, PublishError
from store.publishing.relational import (
    PUBLICATION,
    STAGE,
    bring_to,
    plain_type,
    publication,
    published,
    stage,
)
from store.publishing.state import State
from store.publishing.tables import ColumnKind, PublishedTable, known_tables
from store.publishing.target import Changes, Rows, Target, Writer

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy.types import TypeEngine

SCHEMA = "interest_profiler"
"""Schema of the tables, so that they meet nobody else's."""

_LOCK = 0x1E7E5D0
"""Key of the advisory lock that publishers take. Our choice."""
_CONNECT_S = 10
_HAS_VECTOR = text("SELECT to_regtype('vector') IS NOT NULL")
_CAN_VECTOR = text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
_TABLES = text("SELECT table_name FROM information_schema.tables WHERE table_schema = :schema")
_LOCKED = text("SELECT pg_try_advisory_xact_lock(:key)")
_TEXTS_OF = text(
    "SELECT column_name FROM information_schema.columns WHERE table_schema = :schema "
    "AND table_name = :table AND data_type IN ('text', 'ARRAY', 'tsvector')"
)


def open_engine(address: Address, *, pooled: bool = False) -> Engine:
    """Connections to a server; none is opened yet.

    Raises
    ------
    PublishError
        If the address is none that SQLAlchemy takes.
    """
    try:
        url = make_url(address.url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise PublishError(f"the address of {address.shown} cannot be read") from None
    options: dict[str, Any] = {} if pooled else {"poolclass": NullPool}
    return create_engine(
        url,
        connect_args={"connect_timeout": _CONNECT_S, "application_name": "interest-profiler"},
        hide_parameters=True,
        pool_pre_ping=pooled,
        **options,
    )


@contextmanager
def told(address: Address) -> Iterator[None]:
    """Say what a server refuses in one line that holds no password."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise PublishError(f"{address.shown}: {address.clean(_first_line(cause))}") from None
    except SQLAlchemyError as error:
        raise PublishError(f"{address.shown}: {address.clean(_first_line(error))}") from None


def _first_line(error: object) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


class Postgres(Target):
    """A schema of a PostgreSQL database."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._engine = open_engine(address)
        self._connection: Connection | None = None
        self._vectors = ""

    def __enter__(self) -> Postgres:
        with told(self.address):
            self._connection = self._engine.connect()
            if not self._open.execute(_LOCKED, {"key": _LOCK}).scalar_one():
                self._connection.close()
                raise PublishError(
                    f"{self.address.shown}: another publisher is at work; run it again later"
                )
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            with suppress(DBAPIError, psycopg.Error):
                self._connection.close()
        self._engine.dispose()

    @property
    def _open(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("a target is used as a context manager")
        return self._connection

    def state(self) -> State | None:
        """The version that is visible."""
        with told(self.address):
            names = set(self._open.execute(_TABLES, {"schema": SCHEMA}).scalars())
            if not names:
                return None
            if PUBLICATION not in names:
                raise PublishError(
                    f"{self.address.shown} has tables in the schema {SCHEMA} that publish did not "
                    "make; move them away first"
                )
            return read_state(self._open)

    def lists(self) -> pl.DataFrame | None:
        """The lists that are published."""
        import polars as pl

        table = published(known_tables()["lists"], SCHEMA)
        with told(self.address):
            names = set(self._open.execute(_TABLES, {"schema": SCHEMA}).scalars())
            if table.name not in names:
                return None
            rows = self._open.execute(select(*table.c)).all()
        kinds = (pl.String, pl.Int64, pl.String, pl.Float64, pl.Int64)
        schema = dict(zip(table.c.keys(), kinds, strict=True))
        return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")

    def without_vectors(self) -> str:
        """Why the server takes no vectors; its extension is made where it can be."""
        with told(self.address):
            if self._open.execute(_HAS_VECTOR).scalar_one():
                return ""
            if self._open.execute(_CAN_VECTOR).scalar_one():
                with self._open.begin_nested():
                    self._open.execute(text("CREATE EXTENSION vector"))
                return ""
        return (
            f"{self.address.shown} has no pgvector, which vectors need; install it on the server "
            "(CREATE EXTENSION vector), or publish without vectors"
        )

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A new version."""
        with told(self.address):
            yield _PostgresWriter(self._open)

    def sweep(self) -> str:
        """Rewrite the tables, so that the rows of whoever was removed leave the server's files.

        The write-ahead log of the server keeps them until it is recycled.
        """
        try:
            self._open.rollback()  # what was read until now keeps its tables from being rewritten
            with self._engine.connect() as opened:
                connection = opened.execution_options(isolation_level="AUTOCOMMIT")
                connection.execute(text("SET lock_timeout = '30s'"))
                names = set(connection.execute(_TABLES, {"schema": SCHEMA}).scalars())
                for name in sorted(names & known_tables().keys()):
                    table = f"{SCHEMA}.{name}"  # both are constants of this program
                    connection.exec_driver_sql("VACUUM (FULL, ANALYZE) " + table)
                _mark_swept(connection)
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            return self.address.clean(_first_line(cause))
        return ""


class _PostgresWriter(Writer):
    """One transaction, which the connection has begun."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
        publication(SCHEMA).create(connection, checkfirst=True)

    def replace(self, table: PublishedTable, rows: Rows, width: int = 0) -> Changes:
        ours = self._made(table, width)
        new = stage(table, _type_of, width)
        self._connection.execute(CreateTable(new))
        self._load(table, rows)
        gone, changed, come = bring_to(table, ours, new)
        counting = {"preserve_rowcount": True}
        counts = [
            0 if one is None else self._connection.execute(one, execution_options=counting).rowcount
            for one in (gone, changed, come)
        ]
        new.drop(self._connection)
        return Changes(inserted=counts[2], updated=counts[1], deleted=counts[0])

    def _made(self, table: PublishedTable, width: int) -> Table:
        ours = _with_indexes(table, width)
        if table.columns.get("vector"):  # another encoder has another width
            ours.drop(self._connection, checkfirst=True)
        ours.create(self._connection, checkfirst=True)
        values = {"schema": SCHEMA, "table": table.name}
        for name in self._connection.execute(_TEXTS_OF, values).scalars().all():
            place = f"{SCHEMA}.{table.name} ALTER COLUMN {name} SET STATISTICS 0"
            self._connection.exec_driver_sql("ALTER TABLE " + place)
        return published(table, SCHEMA, _type_of, width)

    def _load(self, table: PublishedTable, rows: Rows) -> None:
        driver: Any = self._connection.connection.driver_connection
        vector = "vector" in table.columns
        with driver.cursor() as cursor, cursor.copy(f"COPY {STAGE}{table.name} FROM STDIN") as copy:
            for row in rows:
                copy.write_row((row[0], _vector_text(row[1])) if vector else row)

    def finish(self, state: State, *, keep: bool = True) -> None:
        if not keep:
            self._connection.rollback()
            return
        self._connection.execute(publication(SCHEMA).insert(), row_of(state))
        self._connection.commit()


def _vector_text(vector: list[float]) -> str:
    return "[" + ",".join(f"{one:g}" for one in vector) + "]"


def _type_of(kind: ColumnKind, width: int) -> TypeEngine[Any]:
    if kind == "vector":
        from pgvector.sqlalchemy import VECTOR

        return VECTOR(width)
    return plain_type(kind, width)


def _with_indexes(table: PublishedTable, width: int) -> Table:
    """The table as it is made: with its key, look-ups and, where it is searched, full text."""
    made = published(table, SCHEMA, _type_of, width)
    made.append_constraint(PrimaryKeyConstraint(*(made.c[name] for name in table.key)))
    for name in table.looked_up:
        Index(f"{table.name}_{name}", made.c[name])
    if table.searched:
        words = " || ' ' || ".join(f"coalesce({name}, '')" for name in table.searched)
        made.append_column(
            Column("search", TSVECTOR, Computed(f"to_tsvector('english', {words})", persisted=True))
        )
        Index(f"{table.name}_search", made.c.search, postgresql_using="gin")
    return made


def row_of(state: State) -> dict[str, Any]:
    """A state as a row of the table of versions."""
    return {
        "version": state.version,
        "published_at": state.published_at,
        "schema_version": state.schema_version,
        "state": json.dumps(state.to_json(), sort_keys=True),
    }


def read_state(connection: Connection) -> State | None:
    """The newest version of a database that has the table of versions."""
    versions = publication(SCHEMA)
    query = select(versions.c.state).order_by(versions.c.version.desc()).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else State.of_json(json.loads(found))


def _mark_swept(connection: Connection) -> None:
    versions = publication(SCHEMA)
    newest = select(func.max(versions.c.version)).scalar_subquery()
    state = read_state(connection)
    if state is not None:
        said = json.dumps(state.to_json() | {"swept": True}, sort_keys=True)
        connection.execute(versions.update().where(versions.c.version == newest).values(state=said))


__all__ = ["SCHEMA", "Postgres", "open_engine", "read_state", "told"]
