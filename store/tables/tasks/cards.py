"""Item cards: what the title of an item does not say, and what is wanted next."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.digests import canonical_json, text_digest
from store.tables.sound import parsed

_SAVE = (
    "INSERT INTO cards (item_ix, card, next, source, template_digest, text_digest, response_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_ALL = statement(
    "SELECT item_ix, card, next, source, template_digest, text_digest, response_id FROM cards "
    "ORDER BY item_ix"
)
_REMOVE = "DELETE FROM cards WHERE item_ix IN (SELECT value FROM json_each(?))"
_TEXTS = statement("SELECT card, next FROM cards")
IMPORTED = "import:"


def next_text(phrases: Sequence[str]) -> str:
    """What is wanted next as the one text that is encoded."""
    return ", ".join(phrases)


def card_digests(connection: Connection) -> set[str]:
    """Digests of all texts of cards that are encoded."""
    found = set()
    for card, phrases in connection.execute(_TEXTS):
        found |= {text_digest(card), text_digest(next_text(json.loads(phrases)))}
    return found


@dataclass(frozen=True)
class Card:
    """The card of one item.

    Attributes
    ----------
    card
        Some 30 to 50 words on what the title leaves out.
    next
        Phrases that say what is wanted next by those who have the item.
    source
        ``offline``, the model's name, or ``import:NAME``.
    template_digest
        The question it answers; None where somebody brought it.
    text_digest
        Of the item's text (title and categories) that it was written from.
    response_id
        The answer it was read from, if it is in the store.
    """

    item_ix: int
    card: str
    next: tuple[str, ...]
    source: str
    text_digest: str
    template_digest: str | None = None
    response_id: int | None = None

    @property
    def brought(self) -> bool:
        """Whether a person imported it: no run replaces it."""
        return self.source.startswith(IMPORTED)


class Cards:
    """Repository of item cards."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def save(self, cards: Iterable[Card]) -> None:
        """Store cards, each in place of the one that its item had."""
        rows = [
            (
                *(one.item_ix, one.card, canonical_json(list(one.next)), one.source),
                *(one.template_digest, one.text_digest, one.response_id),
            )
            for one in cards
        ]
        with self._db.write() as connection:
            self.remove([one[0] for one in rows])
            driver_connection(connection).executemany(_SAVE, rows)

    def load(self) -> dict[int, Card]:
        """All cards by ``item_ix``."""
        with self._db.read() as connection:
            rows = connection.execute(_ALL).all()
        return {
            row.item_ix: Card(
                item_ix=row.item_ix,
                card=row.card,
                next=tuple(parsed(self._db.path, row.next, f"next of item_ix {row.item_ix}")),
                source=row.source,
                text_digest=row.text_digest,
                template_digest=row.template_digest,
                response_id=row.response_id,
            )
            for row in rows
        }

    def remove(self, items: Sequence[int]) -> None:
        """Remove the cards of some items, by ``item_ix``."""
        with self._db.write() as connection:
            driver_connection(connection).execute(
                _REMOVE, (json.dumps([int(item) for item in items]),)
            )
