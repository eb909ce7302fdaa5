"""``publish``: bring a target to what a store holds now, as one new version.

Only tables whose content changed are touched, and in databases only rows that changed. A version is
visible as a whole or not at all: a kill at any moment leaves the one before. Whoever was forgotten
in the store is gone from the next version, and the target's files are then written anew.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.console.progress import DETAIL, Tell
from store.db.transactions import now
from store.errors import UserError
from store.publishing.address import Address, PublishError, read_address
from store.publishing.lists import read_lists
from store.publishing.rows import Material, origin_of
from store.publishing.state import State, TableState, remember
from store.publishing.tables import SCHEMA_VERSION, PublishedTable, known_tables
from store.publishing.target import Changes, Rows, Target
from store.store import opened
from store.version import __version__

if TYPE_CHECKING:
    import polars as pl

    from store.store import Store

__all__ = ["Publication", "publish"]


@dataclass(frozen=True)
class TableReport:
    """One table: its rows, and how many came, changed and went."""

    table: str
    rows: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Publication:
    """What a publish did.

    Attributes
    ----------
    target
        The address without user and password.
    version
        The version that is visible; in a dry run, the one that would be.
    changed
        Whether a version was, or would be, written.
    tables
        What happened to each table.
    swept
        Whether the target's files were written anew because somebody is no longer in them.
    left
        Why they could not be, where they should.
    dry_run
        Whether nothing was kept.
    """

    target: str
    version: int
    changed: bool
    tables: list[TableReport] = field(default_factory=list)
    swept: bool = False
    left: str = ""
    dry_run: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def publish(
    store: Store | str | Path,
    target: str,
    *,
    lists: str | Path | None = None,
    vectors: bool = False,
    overwrite: bool = False,
    dry_run: bool = False,
    tell: Tell = lambda step, done, total: None,
) -> Publication:
    """Mirror what people query of a store into a database or a folder of Parquet files.

    Parameters
    ----------
    store
        An open store or its path.
    target
        ``postgresql://…``, ``duckdb:FILE`` or ``parquet:FOLDER``.
    lists
        Recommendation lists as ``recommender export`` writes them; None keeps the published ones.
    vectors
        Also publish the text vectors of items and interests; PostgreSQL needs pgvector for it.
    overwrite
        Replace what was published there of another store.
    dry_run
        Find out what would change and keep nothing.
    tell
        Called with (step, done, total).

    Raises
    ------
    UserError
        If the target is away, refuses, or holds tables that are not this store's.
    """
    address = read_address(target)
    frame = None if lists is None else read_lists(Path(lists))
    with opened(store) as one:
        tell("connecting", 0, 0)
        with open_target(address, one.path) as there:
            found = _publish(one, there, frame, vectors, overwrite, dry_run, tell)
        if not dry_run:
            remember(one, found.target, found.version)
    return found


def open_target(address: Address, like: Path) -> Target:
    """The target of an address.

    Raises
    ------
    PublishError
        If what reaches it is not installed.
    """
    try:
        if address.kind == "postgresql":
            from store.publishing.postgres import Postgres

            return Postgres(address)
        if address.kind == "duckdb":
            from store.publishing.duckdb_file import DuckFile

            return DuckFile(address, like)
    except ImportError as error:
        extra = "postgres" if address.kind == "postgresql" else "duckdb"
        raise PublishError(
            f"{address.kind} needs {error.name}; install it with: pip install "
            f"'interest-profiler[{extra}]'"
        ) from error
    from store.publishing.parquet_folder import ParquetFolder

    return ParquetFolder(address, like)


def _publish(
    store: Store,
    target: Target,
    frame: pl.DataFrame | None,
    vectors: bool,
    overwrite: bool,
    dry_run: bool,
    tell: Tell,
) -> Publication:
    before = target.state()
    _refuse_version(target, before)
    if vectors and (why := target.without_vectors()):
        raise PublishError(why)
    with store.snapshot() as connection:
        tell("reading the store", 0, 0)
        ours = before is not None and before.origin == origin_of(connection)
        known = target.lists() if frame is None and ours else frame
        with_vectors = vectors or (before is not None and "item_vectors" in before.tables)
        material = Material(store, connection, known, vectors=with_vectors)
        if before is not None and not ours and not overwrite:
            raise UserError(
                f"{target.address.shown} holds what was published of another store; name another "
                "target, or allow it to be replaced (--overwrite)"
            )
        digests, counts = _digests(material, tell)
        was = {} if before is None else before.tables
        todo = [
            one
            for one in material.tables
            if one.name not in was or was[one.name].digest != digests[one.name]
        ]
        if not todo and before is not None and ours:
            return _nothing_new(target, before, dry_run)
        return _write(target, before, material, (digests, counts), todo, dry_run, tell)


def _refuse_version(target: Target, before: State | None) -> None:
    if before is not None and before.schema_version != SCHEMA_VERSION:
        raise PublishError(
            f"{target.address.shown} holds published tables of version {before.schema_version} "
            f"(by interest-profiler {before.program}), this program writes version "
            f"{SCHEMA_VERSION}: use the program that wrote them, or another target"
        )


def _digests(material: Material, tell: Tell) -> tuple[dict[str, str], dict[str, int]]:
    """Address of each table's content, and its rows where they were counted."""
    digests: dict[str, str] = {}
    counts: dict[str, int] = {}
    ordered = sorted(material.tables, key=lambda one: one.name == "explanations")
    for place, table in enumerate(ordered):
        tell(f"comparing{DETAIL}{table.name}", place, len(ordered))
        digests[table.name], counts[table.name] = material.digest(table, digests)
    tell("comparing", len(ordered), len(ordered))
    return digests, counts


def _nothing_new(target: Target, before: State, dry_run: bool) -> Publication:
    """The target is as the store is; at most its files wait to be written anew."""
    tables = [
        TableReport(name, before.tables[name].rows)
        for name in known_tables()
        if name in before.tables
    ]
    left = ""
    if not before.swept and not dry_run:
        left = target.sweep()
    return Publication(
        target.address.shown,
        before.version,
        changed=False,
        tables=tables,
        swept=not before.swept and not left and not dry_run,
        left=left,
        dry_run=dry_run,
    )


def _write(
    target: Target,
    before: State | None,
    material: Material,
    contents: tuple[dict[str, str], dict[str, int]],
    todo: list[PublishedTable],
    dry_run: bool,
    tell: Tell,
) -> Publication:
    digests, counts = contents
    done: dict[str, Changes] = {}
    total = sum(max(counts[one.name], 0) for one in todo) + 1  # the last step is not a row
    passed = _Passed(total, tell)
    with target.writing() as writer:
        for table in todo:
            width = material.width if "vector" in table.columns else 0
            before_it = passed.count
            rows = passed.of(table.name, material.rows(table))
            done[table.name] = writer.replace(table, rows, width)
            counts[table.name] = passed.count - before_it
        was = {} if before is None else before.tables
        tables = {
            one.name: TableState(
                digests[one.name],
                counts[one.name] if one.name in done else was[one.name].rows,
            )
            for one in material.tables
        }
        gone = done.get("users", Changes()).deleted > 0
        state = State(
            version=1 if before is None else before.version + 1,
            published_at=now(),
            schema_version=SCHEMA_VERSION,
            program=__version__,
            origin=origin_of(material.connection),
            tables=tables,
            swept=not gone and (before is None or before.swept),
        )
        tell("making the version visible", 0, 0)
        writer.finish(state, keep=not dry_run)
    left = ""
    sweeps = (not state.swept or target.keeps_former) and not dry_run
    if sweeps:
        tell("writing the files anew without what was removed", 0, 0)
        left = target.sweep()
    reports = [
        TableReport(name, one.rows, **asdict(done.get(name, Changes())))
        for name, one in tables.items()
    ]
    return Publication(
        target.address.shown,
        state.version,
        changed=True,
        tables=reports,
        swept=sweeps and not left,
        left=left,
        dry_run=dry_run,
    )


class _Passed:
    """Rows of all tables, counted as they pass, and told."""

    def __init__(self, total: int, tell: Tell) -> None:
        self._total, self._tell = total, tell
        self.count = 0

    def of(self, name: str, rows: Rows) -> Rows:
        """The rows of one table."""
        for row in rows:
            if self.count % 1_000 == 0:
                self._tell(
                    f"publishing{DETAIL}{name}", min(self.count, self._total - 1), self._total
                )
            self.count += 1
            yield row
