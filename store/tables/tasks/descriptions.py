"""Descriptions of users and items by layer, and whose texts the questions about them quote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import Connection

from store.db.driver import driver_connection
from store.db.statements import statement
from store.db.transactions import Transactions
from store.digests import text_digest

Node: TypeAlias = "tuple[Literal['item', 'user'], int]"
"""A user or an item by its number in the store: ``("user", user_ix)``."""

_SAVE = (
    "INSERT OR REPLACE INTO descriptions (task_subject_id, layer, text, source, template_digest, "
    "parents_digest, response_id) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_LOAD = statement(
    "SELECT d.task_subject_id, s.kind, coalesce(s.item_ix, s.user_ix) AS ix, d.layer, d.text, "
    "d.source, d.template_digest, d.parents_digest, d.response_id FROM descriptions d "
    "JOIN task_subjects s USING (task_subject_id) ORDER BY d.task_subject_id"
)
_REMOVE = statement("DELETE FROM descriptions WHERE task_subject_id = :number")
_TEXTS = statement("SELECT text FROM descriptions")
_EARLIER = "UPDATE task_subject_parents SET place = NULL WHERE task_subject_id = ?"
_DROP = (
    "DELETE FROM task_subject_parents WHERE task_subject_id = ? AND parent_id IS ? "
    "AND user_ix IS ? AND item_ix IS ?"
)
_ADD = (
    "INSERT INTO task_subject_parents (task_subject_id, place, parent_id, user_ix, item_ix) "
    "VALUES (?, ?, ?, ?, ?)"
)
_PARENTS = statement(
    "SELECT parent_id, user_ix, item_ix FROM task_subject_parents "
    "WHERE task_subject_id = :number AND place IS NOT NULL ORDER BY place"
)


@dataclass(frozen=True)
class Description:
    """What is said of a user or an item at a layer.

    Attributes
    ----------
    task_subject_id
        Whom it is about, of the table ``task_subjects``.
    node, layer
        The user or the item, and the layer, from 1.
    text
        Some 40 words.
    source
        ``offline`` or the model's name.
    template_digest
        The question it answers.
    parents_digest
        Of the texts that it was written from.
    response_id
        The answer it was read from, if it is in the store.
    """

    task_subject_id: int
    node: Node
    layer: int
    text: str
    source: str
    template_digest: str
    parents_digest: str
    response_id: int | None = None


@dataclass(frozen=True)
class Parent:
    """A text that a question quotes: a description, or what was there before any.

    Attributes
    ----------
    description
        The subject whose description it is; None where it is the text of layer 0.
    node
        Whose text of layer 0 it is; None where it is a description.
    """

    description: int | None = None
    node: Node | None = None

    @property
    def columns(self) -> tuple[int | None, int | None, int | None]:
        """``parent_id``, ``user_ix`` and ``item_ix`` as the table has them."""
        if self.node is None:
            return self.description, None, None
        kind, number = self.node
        return (None, number, None) if kind == "user" else (None, None, number)


def description_digests(connection: Connection) -> set[str]:
    """Digests of all descriptions, under which their vectors are stored."""
    return {text_digest(one) for one in connection.execute(_TEXTS).scalars()}


class Descriptions:
    """Repository of descriptions and of what the questions about them quote."""

    def __init__(self, transactions: Transactions) -> None:
        self._db = transactions

    def save(self, descriptions: Iterable[Description]) -> None:
        """Store descriptions, each in place of the one that its subject had."""
        with self._db.write() as connection:
            driver_connection(connection).executemany(
                _SAVE,
                [
                    (
                        *(one.task_subject_id, one.layer, one.text, one.source),
                        *(one.template_digest, one.parents_digest, one.response_id),
                    )
                    for one in descriptions
                ],
            )

    def load(self) -> dict[tuple[Node, int], Description]:
        """All descriptions by user or item, and layer."""
        with self._db.read() as connection:
            rows = connection.execute(_LOAD).mappings().all()
        found = {}
        for row in rows:
            values = dict(row)
            node: Node = (values.pop("kind"), values.pop("ix"))
            found[node, row["layer"]] = Description(node=node, **values)
        return found

    def remove(self, task_subject_id: int) -> None:
        """Remove the description of a subject, if it has one."""
        with self._db.write() as connection:
            connection.execute(_REMOVE, {"number": task_subject_id})

    def quote(self, parents: Mapping[int, Sequence[Parent]]) -> None:
        """Record whose texts the questions about subjects quote now, in their order.

        What earlier questions quoted stays known: their prompts may be stored still.
        """
        with self._db.write() as connection:
            driver = driver_connection(connection)
            driver.executemany(_EARLIER, [(number,) for number in parents])
            rows = [
                (number, place, *parent.columns)
                for number, quoted in parents.items()
                for place, parent in enumerate(dict.fromkeys(quoted))
            ]
            driver.executemany(_DROP, [(row[0], *row[2:]) for row in rows])
            driver.executemany(_ADD, rows)

    def quoted(self, task_subject_id: int) -> list[Parent]:
        """Whose texts the newest question about a subject quotes, the subject's own first."""
        with self._db.read() as connection:
            rows = connection.execute(_PARENTS, {"number": task_subject_id}).all()
        return [_parent(row.parent_id, row.user_ix, row.item_ix) for row in rows]


def _parent(description: int | None, user_ix: int | None, item_ix: int | None) -> Parent:
    if description is not None:
        return Parent(description)
    if user_ix is not None:
        return Parent(node=("user", user_ix))
    return Parent(node=("item", int(item_ix or 0)))
