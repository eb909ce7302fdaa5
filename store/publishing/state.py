"""What a target says of the version that is visible, and what a store says of its targets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.store import Store

_PUBLISHED = "published"
"""Fact of a store: where it was published, without users and passwords, and as which version."""


@dataclass(frozen=True)
class TableState:
    """One table as it is published: address of its content, and number of rows."""

    digest: str
    rows: int


@dataclass(frozen=True)
class State:
    """A version as it stands in a target.

    Attributes
    ----------
    version
        1, 2, ...
    published_at
        UTC, ISO 8601.
    schema_version, program
        Of the tables, and of the program that wrote them.
    origin
        Which store it is: a digest that its copies share.
    tables
        What is in it.
    swept
        False while texts of somebody who was removed may be left in the target's files.
    """

    version: int
    published_at: str
    schema_version: int
    program: str
    origin: str
    tables: dict[str, TableState] = field(default_factory=dict)
    swept: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def of_json(cls, said: dict[str, Any]) -> State:
        """Read what :meth:`to_json` wrote."""
        tables = {name: TableState(**one) for name, one in said["tables"].items()}
        return cls(**{**said, "tables": tables})


def remember(store: Store, target: str, version: int) -> None:
    """Let the store know where it was published, so that forgetting can say so.

    Parameters
    ----------
    store
        An open store; one that is only read is left as it is.
    target
        The address without user and password.
    version
        What is visible there now.
    """
    if store.read_only:
        return
    known: dict[str, int] = store.meta(_PUBLISHED, {})
    if known.get(target) != version:
        store.set_meta(**{_PUBLISHED: known | {target: version}})


def published_in(store: Store) -> list[str]:
    """Targets that a store was published to, without users and passwords."""
    return sorted(store.meta(_PUBLISHED, {}))
