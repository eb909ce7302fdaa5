"""``merge_stores``: stores built on shards, or by several people, become one new store.

The sources are copied and only the copies are read, so that they stay as they are to the byte. The
new store is written aside and takes its name when it is whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from store.db.driver import driver_connection
from store.db.engine import WRITE_OPTION, open_engine
from store.db.faults import explained
from store.db.location import file_uri
from store.db.migrate import migrate, refuse_newer
from store.db.opening import Opened, copy_database
from store.db.probe import examine
from store.db.statements import statement
from store.db.sweeping import sweep
from store.errors import StoreError, UserError
from store.files import whole_file
from store.merging.conflicts import conflicts
from store.merging.edits import take_over_edits
from store.merging.facts import join_facts
from store.merging.rows import Tell, drop_maps, take_over
from store.outputs import output_target
from store.store import Store
from store.tables.datasets import make_way
from store.upkeep.backup import check_copy, refuse_foreign, refuse_left_over
from store.upkeep.duplicates import merge_duplicates

__all__ = ["Merged", "TakenOver", "merge_stores"]

_THEIR_USERS = statement("SELECT user_id FROM other.users WHERE NOT forgotten")
_FORGOTTEN = statement("SELECT count(*) FROM users WHERE forgotten")
_ARRIVED = statement("SELECT count(*) FROM temp.arriving")
# Subjects that both stores asked about, with another result.
_DIFFERENT = statement(
    "SELECT DISTINCT s.name FROM other.interests o "
    "JOIN temp.of_subjects m ON m.old = o.subject_id "
    "JOIN main.subjects s ON s.subject_id = m.new "
    "WHERE o.interest_id NOT IN (SELECT old FROM temp.of_interests) ORDER BY s.name"
)


@dataclass(frozen=True)
class TakenOver:
    """What one store brought.

    Attributes
    ----------
    store
        Its file.
    items, users, subjects, answers, attempts, interests
        Rows that the stores before it did not have.
    kept_first
        Subjects with interests in both and not the same ones: those of the first store stand, the
        answers of both are kept.
    edits, edits_left
        Changes by hand that came along, and those that cannot be taken back in the new store.
    """

    store: str
    items: int
    users: int
    subjects: int
    answers: int
    attempts: int
    interests: int
    kept_first: list[str]
    edits: int
    edits_left: int


@dataclass(frozen=True)
class Merged:
    """What a merge did.

    Attributes
    ----------
    file, bytes
        The new store and its size; 0 bytes in a dry run.
    stores
        What each store after the first brought.
    forgotten
        Users that each store has forgotten; none of them knows any more who they were.
    """

    file: str
    bytes: int
    stores: list[TakenOver]
    forgotten: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def merge_stores(
    sources: Sequence[str | Path],
    into: str | Path,
    *,
    overwrite: bool = False,
    dry_run: bool = False,
    tell: Tell = lambda step, done, total: None,
) -> Merged:
    """Write one store with what all of ``sources`` hold; none of them is changed.

    Users, items, subjects, prompts, answers and vectors that several stores have are told by what
    they are and stand once. Where two stores have different interests of the same subject, those of
    the store named first stand; the paid answers of both are kept, so that a build with the model
    of either makes no call.

    Parameters
    ----------
    sources
        Two stores or more; the numbers of the first are kept.
    into
        The new store.
    overwrite
        Replace a store that is there.
    dry_run
        Do everything but write ``into``.
    tell
        Called with (step, done, total).

    Raises
    ------
    UserError
        If fewer than two stores are named, one is named twice, ``into`` may not be written, or the
        stores contradict each other: another encoder, split or history of the same user. The
        message names what.
    """
    paths = [Path(one) for one in sources]
    _refuse_sources(paths)
    target = output_target(into, overwrite=overwrite, reads=paths, replaces_stores=True)
    if target.stream:
        raise UserError(f"{into} is a device or a pipe; name a file")
    refuse_left_over(target.path)
    refuse_foreign(target.path)
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="interest-profiler-") as folder:
            return Merged(str(into), 0, *_merge(paths, Path(folder) / "merged.db", tell))
    with whole_file(target) as partial:
        brought, forgotten = _merge(paths, partial, tell)
        check_copy(partial)
        return Merged(str(into), partial.stat().st_size, brought, forgotten)


def _refuse_sources(paths: Sequence[Path]) -> None:
    if len(paths) < 2:
        raise UserError("name two stores or more: there is nothing to merge")
    for place, path in enumerate(paths):
        found = examine(path)
        if found.kind != "store":
            raise StoreError(f"{path} is {found.kind}, no store; name stores to merge")
        refuse_newer(found.version, path)
        if any(path.samefile(other) for other in paths[:place]):
            raise UserError(f"{path} is named twice")


def _merge(
    paths: Sequence[Path], partial: Path, tell: Tell
) -> tuple[list[TakenOver], dict[str, int]]:
    """Fill the file ``partial`` with what all stores hold; what came, and who was forgotten."""
    first, *others = paths
    tell(f"copying {first.name}", 0, 0)
    with _copied(first, partial) as engine, explained(partial):
        forgotten = {str(first): _count_forgotten(engine)}
        brought = [_add(engine, first, other, tell, forgotten) for other in others]
        tell("merging near-duplicates", 0, 0)
        merge_duplicates(Store(partial, Opened(engine)))
        sweep(engine, partial)  # what was deleted in the first store is not copied
    return brought, {path: count for path, count in forgotten.items() if count}


def _count_forgotten(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(_FORGOTTEN).scalar_one())


@contextmanager
def _copied(path: Path, copy: Path) -> Iterator[Engine]:
    """A copy of a store in its newest version, open."""
    copy_database(path, copy)
    engine = open_engine(copy)
    try:
        migrate(engine, path)
        yield engine
    finally:
        engine.dispose()


def _add(
    engine: Engine, first: Path, other: Path, tell: Tell, forgotten: dict[str, int]
) -> TakenOver:
    """Take over what another store has, in one transaction."""
    with tempfile.TemporaryDirectory(prefix="interest-profiler-") as folder:
        copy = Path(folder) / "other.db"
        tell(f"copying {other.name}", 0, 0)
        with _copied(other, copy) as theirs:
            forgotten[str(other)] = _count_forgotten(theirs)
        with engine.connect() as opened:
            connection = opened.execution_options(**{WRITE_OPTION: True})
            driver = driver_connection(connection)
            driver.execute("ATTACH DATABASE ? AS other", (file_uri(copy, "mode=rw"),))
            try:
                with connection.begin():
                    return _take_over(connection, first, other, tell)
            finally:
                driver.execute("DETACH DATABASE other")


def _take_over(connection: Connection, first: Path, other: Path, tell: Tell) -> TakenOver:
    tell("looking for conflicts", 0, 0)
    found = list(conflicts(connection, first, other))
    if found:
        raise UserError("the stores contradict each other: " + "; ".join(found))
    make_way(connection, connection.execute(_THEIR_USERS).scalars())
    came = take_over(connection, tell)
    joined = bool(came["items"] or connection.execute(_ARRIVED).scalar_one())
    edits, edits_left = take_over_edits(connection)
    different = list(connection.execute(_DIFFERENT).scalars())
    join_facts(connection, data_joined=joined)
    drop_maps(connection)
    return TakenOver(
        store=str(other),
        items=came["items"],
        users=came["users"],
        subjects=came["subjects"],
        answers=came["responses"],
        attempts=came["attempts"],
        interests=came["interests"],
        kept_first=different,
        edits=edits,
        edits_left=edits_left,
    )
