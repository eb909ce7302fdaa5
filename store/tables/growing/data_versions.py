"""Versions of a store's data set: what each came from, and how large it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from store.db.statements import statement
from store.db.transactions import Transactions, now

VersionKind = Literal["build", "append"]

_ADD = statement(
    "INSERT INTO data_versions (run_id, kind, source, read_digest, dataset_digest, users, items, "
    "interactions, made_at) VALUES (:run_id, :kind, :source, :read_digest, :dataset_digest, "
    ":users, :items, :interactions, :made_at) RETURNING version"
)
_ALL = statement(
    "SELECT version, kind, source, read_digest, dataset_digest, users, items, interactions, "
    "made_at FROM data_versions ORDER BY version"
)
_EXTRAS = statement("SELECT extra FROM items ORDER BY item_ix")


@dataclass(frozen=True)
class Origin:
    """What a data set was made of.

    Attributes
    ----------
    kind
        ``build``: of this source alone. ``append``: of what was there and this source.
    source
        The file or folder that was read.
    read_digest
        Address of what was read from it.
    run_id
        The run that read it.
    """

    kind: VersionKind
    source: str
    read_digest: str
    run_id: int | None = None


@dataclass(frozen=True)
class DataVersion:
    """One version of the data set, with its size and the address of what it holds."""

    version: int
    kind: VersionKind
    source: str
    read_digest: str
    dataset_digest: str
    users: int
    items: int
    interactions: int
    made_at: str


class DataVersions:
    """Repository of the versions of a store's data set."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def record(self, origin: Origin, dataset_digest: str, size: tuple[int, int, int]) -> int:
        """Add a version and return its number; within an open write, part of it.

        Parameters
        ----------
        origin
            What the data set was made of.
        dataset_digest
            Address of what it holds.
        size
            Users, items and interactions.
        """
        values = {
            "run_id": origin.run_id,
            "kind": origin.kind,
            "source": origin.source,
            "read_digest": origin.read_digest,
            "dataset_digest": dataset_digest,
            "made_at": now(),
        }
        values |= dict(zip(("users", "items", "interactions"), size, strict=True))
        with self._db.write() as connection:
            return int(connection.execute(_ADD, values).scalar_one())

    def all(self) -> list[DataVersion]:
        """Return every version, the oldest first."""
        with self._db.read() as connection:
            return [DataVersion(*row) for row in connection.execute(_ALL)]

    def current(self) -> list[DataVersion]:
        """Return the latest build and what was appended to it, in order."""
        versions = self.all()
        builds = [place for place, one in enumerate(versions) if one.kind == "build"]
        return versions[builds[-1] :] if builds else versions

    def extras(self) -> list[str]:
        """Return what the item file said beside texts, a JSON object for each item."""
        with self._db.read() as connection:
            return list(connection.execute(_EXTRAS).scalars())
