"""Why an item fits a user, by the stored interests alone; nothing is made up on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from store.data.dataset import item_text
from store.data.splits import Part
from store.db.statements import statement
from store.digests import text_digest
from store.errors import StoreError
from store.store import Store
from store.tables.histories.door import Histories
from store.tables.vectors import fetch
from store.views.items import ItemCard, card_of
from store.views.shared.near_names import like_item
from store.views.shared.row import Row
from store.views.shared.sentences import reason_sentence
from store.views.subjects.users import Evidence, Item, evidence_of, find_user

THRESHOLD = 0.55
"""Least cosine of an item and an interest's words that counts as an explanation. Our choice, where
the two cases lie furthest apart: on Amazon Office the nearest interest of a user reaches it for 44
of 100 held-out items of the user and for 21 of 100 items drawn at random
(benchmarks/bench_explanations.py)."""

_PATHS = statement(
    "SELECT n.interest_id, n.label, n.description, n.text_digest, n.source, n.response_id, "
    "s.kind AS through, s.name AS subject, m.similarity FROM memberships m "
    "JOIN subjects s USING (subject_id) JOIN interests n USING (subject_id) "
    "WHERE m.user_ix = :user_ix AND s.active AND undisputed(m) UNION ALL "
    "SELECT n.interest_id, n.label, n.description, n.text_digest, n.source, n.response_id, "
    "'own', s.name, a.score FROM assignments a JOIN interests n USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE a.user_ix = :user_ix AND undisputed(a)"
)
_OWN_PROOF = statement(
    "SELECT i.item_id, i.title, max(t.similarity) AS near, x.key FROM json_each(:known) x "
    "JOIN items i ON i.item_ix = x.value LEFT JOIN assignment_items t ON t.user_ix = :user_ix "
    "AND t.item_ix = x.value AND t.interest_id = :interest "
    "WHERE i.item_id <> :item AND (t.item_ix IS NOT NULL OR x.value IN "
    "(SELECT item_ix FROM evidence WHERE interest_id = :interest)) "
    "GROUP BY i.item_id ORDER BY near DESC NULLS LAST, x.key DESC, i.item_id LIMIT :most"
)
_ITEM = statement("SELECT item_id, title, categories FROM items WHERE item_id = :item")
_FACTS = statement("SELECT key, value FROM meta WHERE key IN ('encoder', 'item_text')")
NAMED = 2
"""Items a sentence names."""

_NEAREST_PATH = ("own", "exemplar", "synthetic", "user")


@dataclass(frozen=True)
class ExplainingInterest(Row):
    """An interest of the user that explains an item.

    Attributes
    ----------
    through, subject, path_similarity
        How it is the user's: ``exemplar``, ``synthetic``, ``user`` or ``own``; by which subject;
        and how similar the user is to that (the share of the history covered, for ``own``).
    evidence, is_evidence
        The items that prove it, the item itself first if it is one of them (``is_evidence``), then
        the user's own.
    similarity
        Cosine of the item's and the interest's text vectors, 0 where one is missing.
    """

    interest_id: int
    label: str
    description: str
    source: str
    response_id: int | None
    through: str
    subject: str
    path_similarity: float | None
    evidence: list[Evidence]
    is_evidence: bool
    similarity: float


@dataclass(frozen=True)
class Explanation(Row):
    """Why an item fits a user, by what is stored.

    Attributes
    ----------
    user, item
        Whom and what it is about.
    sentence
        The answer in one sentence.
    because
        The user's own items, at most two, that show the interest named.
    named
        Id of the interest that the sentence names, one of ``interests``: the first that the user's
        own items show, else the first; None where nothing explains the item.
    why
        ``found``, or that nothing stored explains it.
    interests
        Those that explain it: the one that the item proves first, then the nearest.
    card
        What the item's title does not say, None where it has no card.
    """

    user: str
    item: Item
    sentence: str
    named: int | None
    because: list[Item]
    why: str
    interests: list[ExplainingInterest]
    card: ItemCard | None = None

    def __str__(self) -> str:
        return f"{self.item.title or self.item.item_id} for {self.user}: {self.sentence}"


def explain_item(
    store: Store, user_id: str, item_id: str, *, limit: int = 3, threshold: float = THRESHOLD
) -> Explanation:
    """Return the user's stored interests nearest to an item, each with its path and proof.

    Raises
    ------
    StoreError
        If user or item are unknown.
    """
    with store.read() as connection:
        user = find_user(connection, user_id, store)
        item = connection.execute(_ITEM, {"item": str(item_id)}).first()
        if item is None:
            near = like_item(connection, str(item_id)) or "; the ids are those of the data"
            raise StoreError(f"no item {item_id!r} in {store.path}{near}")
        history = Histories(connection).items_as_json(user.user_ix, (Part.TRAIN, Part.INPUT))
        paths = _paths(connection, user.user_ix)
        evidence = evidence_of(connection, list(paths), user.user_ix)
        card = card_of(connection, item.item_id)
        cosines, compared = _cosines(
            store, connection, item.title, json.loads(item.categories), paths
        )
    found = []
    for number, path in paths.items():
        proof = evidence.get(number, [])
        if not proof:  # words alone explain nothing
            continue
        proof.sort(key=lambda e: (e.item_id != item_id, not e.touched))
        is_evidence = any(e.item_id == item_id for e in proof)
        if is_evidence or cosines[number] >= threshold:
            columns = {key: value for key, value in path.items() if key != "text_digest"}
            found.append(
                ExplainingInterest(
                    **columns,
                    evidence=proof,
                    is_evidence=is_evidence,
                    similarity=cosines[number],
                )
            )
    found.sort(key=lambda one: (not one.is_evidence, -one.similarity, one.interest_id))
    found = found[:limit]
    own = (
        (one, own_proof(store, user.user_ix, history, one.interest_id, item_id)) for one in found
    )
    named, because = next((pair for pair in own if pair[1]), (found[0] if found else None, []))
    return Explanation(
        user=user.user_id,
        item=Item(item.item_id, item.title),
        sentence=_sentence(named, because, known=bool(paths), compared=compared),
        named=None if named is None else named.interest_id,
        because=because,
        why=_verdict(known=bool(paths), near=bool(found), compared=compared),
        interests=found,
        card=card,
    )


def own_proof(
    store: Store, user_ix: int, known: str, interest: int, item_id: str, most: int = NAMED
) -> list[Item]:
    """The user's own items that show an interest, the likest first, without the item itself.

    Parameters
    ----------
    store, user_ix
        Whose items.
    known
        JSON list of item_ix: the part of the history that may describe the user, oldest first.
    interest, item_id
        The interest, and the item that it is to explain.
    most
        Items wanted.
    """
    values = {"user_ix": user_ix, "known": known, "interest": interest, "item": item_id}
    values["most"] = most
    with store.read() as connection:
        return [Item(row[0], row[1]) for row in connection.execute(_OWN_PROOF, values)]


def _sentence(
    named: ExplainingInterest | None, because: Sequence[Item], *, known: bool, compared: bool
) -> str:
    if named is None:
        verdict = _verdict(known=known, near=False, compared=compared)
        return verdict[0].upper() + verdict[1:] + "."
    return said_of(named.label, because, is_evidence=named.is_evidence)


def said_of(label: str, because: Sequence[Item], *, is_evidence: bool) -> str:
    """Say that an item fits a user's interest.

    Parameters
    ----------
    label
        The interest's.
    because
        The user's own items that show it.
    is_evidence
        Whether the item itself is one of those that prove the interest.
    """
    if because:
        titles = [one.title or one.item_id for one in because]
        return reason_sentence("shows", titles, label)
    if is_evidence:
        return f"It is one of the items that show an interest in {label}."
    return f"It fits the interest in {label}."


def _verdict(*, known: bool, near: bool, compared: bool) -> str:
    if near:
        return "found"
    if known and not compared:
        return (
            "nothing stored explains this yet: the item has no text vector, so its words were not "
            "compared with the user's interests; the next `profiler build` makes one"
        )
    if not known:
        return "nothing stored explains this: no stored interest is this user's"
    return "nothing stored explains this: none of the user's interests is near the item"


def _paths(connection: Connection, user_ix: int) -> dict[int, Mapping[str, Any]]:
    """Columns of every interest that is the user's, by id, along its nearest path."""
    rows = connection.execute(_PATHS, {"user_ix": user_ix}).mappings().all()
    found: dict[int, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: _NEAREST_PATH.index(row["through"])):
        columns = {k: v for k, v in row.items() if k != "similarity"}
        found.setdefault(row["interest_id"], {**columns, "path_similarity": row["similarity"]})
    return found


def _cosines(
    store: Store,
    connection: Connection,
    title: str | None,
    categories: list[str],
    paths: dict[int, Mapping[str, Any]],
) -> tuple[dict[int, float], bool]:
    """Cosine of the item's and each interest's text vector, and whether the item has one.

    An item that came after the last build has none; nor has any in a store without an encoder.
    """
    facts = {key: json.loads(value) for key, value in connection.execute(_FACTS)}
    encoder = facts.get("encoder")
    digests: dict[int, str] = {number: path["text_digest"] for number, path in paths.items()}
    vectors: dict[str, NDArray[np.float32]] = {}
    own = ""
    if encoder is not None:
        style = facts.get("item_text", "title+categories")
        own = text_digest(item_text(title, categories, style))
        vectors = fetch(connection, encoder, [own, *digests.values()])
    if own not in vectors:
        return dict.fromkeys(digests, 0.0), encoder is None or not own
    absent = [(number, digest) for number, digest in digests.items() if digest not in vectors]
    stand_ins = store.vectors.of_interests(absent, encoder) if absent else {}
    cosines = {}
    for number, digest in digests.items():
        vector = vectors.get(digest, stand_ins.get(number))
        cosines[number] = 0.0 if vector is None else round(float(vectors[own] @ vector), 4)
    return cosines, True
