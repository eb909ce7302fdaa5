"""A published PostgreSQL database as a service reads it: histories, titles, explanations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy import true as always

from store.publishing.address import PublishError, read_address
from store.publishing.postgres import SCHEMA, open_engine, read_state, told
from store.publishing.relational import published
from store.publishing.tables import SCHEMA_VERSION, known_tables

__all__ = ["PublishedDatabase", "PublishedExplanation"]

_HISTORIES, _ITEMS, _EXPLANATIONS, _INTERESTS = (
    published(known_tables()[name], SCHEMA)
    for name in ("histories", "items", "explanations", "interests")
)


@dataclass(frozen=True)
class PublishedExplanation:
    """Why an item of a list fits its user: the sentence, the interest, the items that show it."""

    sentence: str
    interest_id: int
    label: str
    because: list[str]


class PublishedDatabase:
    """Look-ups in a database that ``profiler publish`` writes; safe for several threads.

    Parameters
    ----------
    address
        ``postgresql://…``.

    Raises
    ------
    PublishError
        If it is no address of a server, the server is away or refuses, or nothing of this
        program's version is published there.
    """

    def __init__(self, address: str) -> None:
        self.address = read_address(address)
        if self.address.kind != "postgresql":
            raise PublishError(f"{self.address.shown}: a service reads postgresql:// only")
        self._engine = open_engine(self.address, pooled=True)
        try:
            self._refuse_foreign()
        except BaseException:
            self.close()
            raise

    def _refuse_foreign(self) -> None:
        with told(self.address), self._engine.connect() as connection:
            state = read_state(connection)
        if state is None:
            raise PublishError(f"{self.address.shown} holds nothing yet; run profiler publish")
        if state.schema_version != SCHEMA_VERSION:
            raise PublishError(
                f"{self.address.shown} holds published tables of version {state.schema_version}, "
                f"this program reads version {SCHEMA_VERSION}; publish again with this program"
            )

    def version(self) -> int:
        """The version that is published.

        Raises
        ------
        PublishError
            If the server is away.
        """
        with told(self.address), self._engine.connect() as connection:
            state = read_state(connection)
        return 0 if state is None else state.version

    def history(self, user_id: str) -> list[str] | None:
        """Item ids of a user, the oldest first; None where the user is not published.

        Raises
        ------
        PublishError
            If the server is away.
        """
        query = select(_HISTORIES.c["items"]).where(_HISTORIES.c.user_id == user_id)
        with told(self.address), self._engine.connect() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else list(found)

    def titles(self, item_ids: Sequence[str]) -> dict[str, str | None]:
        """Titles of the items among these that are published.

        Raises
        ------
        PublishError
            If the server is away.
        """
        query = select(_ITEMS.c.item_id, _ITEMS.c.title).where(_ITEMS.c.item_id.in_(item_ids))
        with told(self.address), self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def explanations(
        self, user_id: str, item_ids: Sequence[str]
    ) -> dict[str, PublishedExplanation]:
        """What is published of why items fit a user, by item.

        Raises
        ------
        PublishError
            If the server is away.
        """
        columns = (
            _EXPLANATIONS.c.item_id,
            _EXPLANATIONS.c.sentence,
            _EXPLANATIONS.c.interest_id,
            _INTERESTS.c.label,
            _EXPLANATIONS.c.because,
        )
        query = (
            select(*columns)
            .join(_INTERESTS, _INTERESTS.c.interest_id == _EXPLANATIONS.c.interest_id)
            .where(
                _EXPLANATIONS.c.user_id == user_id,
                _EXPLANATIONS.c.item_id.in_(item_ids) if item_ids else ~always(),
            )
        )
        with told(self.address), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {
            item: PublishedExplanation(sentence, interest, label, list(because))
            for item, sentence, interest, label, because in rows
        }

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
