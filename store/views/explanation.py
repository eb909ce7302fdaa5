"""Why an item fits a user, by the stored interests alone; nothing is made up on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from store.data.dataset import item_text
from store.digests import text_digest
from store.errors import StoreError
from store.tables.vectors import fetch
from store.views.near_names import like_item
from store.views.users import evidence_of, find_user

if TYPE_CHECKING:
    from store.store import Store

THRESHOLD = 0.55
"""Least cosine of an item and an interest's words that counts as an explanation. Our choice, where
the two cases lie furthest apart: on Amazon Office the nearest interest of a user reaches it for 44
of 100 held-out items of the user and for 21 of 100 items drawn at random
(benchmarks/bench_explanations.py)."""

_PATHS = text(
    "SELECT n.interest_id, n.label, n.description, n.text_digest, n.source, n.response_id, "
    "s.kind AS through, s.name AS subject, m.similarity FROM memberships m "
    "JOIN subjects s USING (subject_id) JOIN interests n USING (subject_id) "
    "WHERE m.user_ix = :user_ix AND s.active UNION ALL "
    "SELECT n.interest_id, n.label, n.description, n.text_digest, n.source, n.response_id, "
    "'own', s.name, a.score FROM assignments a JOIN interests n USING (interest_id) "
    "JOIN subjects s USING (subject_id) WHERE a.user_ix = :user_ix"
)


def explain_item(
    store: Store, user_id: str, item_id: str, *, limit: int = 3, threshold: float = THRESHOLD
) -> dict[str, Any]:
    """Return the user's stored interests nearest to an item, each with its path and proof.

    Returns
    -------
    dict
        ``user``, ``item``, ``why`` (``found`` or a sentence saying that nothing stored explains
        it) and ``interests``: each with ``similarity`` (cosine of the item's text and the
        interest's), ``is_evidence`` (the item itself proves the interest), ``through``
        (``exemplar``, ``synthetic``, ``own``), ``subject``, ``evidence`` and ``response_id``.

    Raises
    ------
    StoreError
        If user or item are unknown.
    """
    with store.read() as connection:
        user = find_user(connection, user_id, store)
        item = _item(connection, item_id, store)
        paths = _paths(connection, user["user_ix"])
        evidence = evidence_of(connection, list(paths), user["user_ix"])
        for interest_id, path in paths.items():
            path["evidence"] = evidence.get(interest_id, [])
            path["is_evidence"] = any(e["item_id"] == item_id for e in path["evidence"])
        _compare(store, connection, item, list(paths.values()))
    near = [p for p in paths.values() if p["is_evidence"] or p["similarity"] >= threshold]
    near.sort(key=lambda p: (not p["is_evidence"], -p["similarity"], p["interest_id"]))
    for path in near:
        path.pop("text_digest")
    return {
        "user": user["user_id"],
        "item": {"item_id": item["item_id"], "title": item["title"]},
        "why": _verdict(paths, near),
        "interests": near[:limit],
    }


def _verdict(paths: dict[int, dict[str, Any]], near: list[dict[str, Any]]) -> str:
    if near:
        return "found"
    if not paths:
        return "nothing stored explains this: no stored interest is this user's"
    return "nothing stored explains this: none of the user's interests is near the item"


def _item(connection: Connection, item_id: str, store: Store) -> dict[str, Any]:
    row = connection.execute(
        text("SELECT item_ix, item_id, title, categories FROM items WHERE item_id = :item"),
        {"item": str(item_id)},
    ).mappings()
    found = row.first()
    if found is None:
        near = like_item(connection, str(item_id)) or "; the ids are those of the data"
        raise StoreError(f"no item {item_id!r} in {store.path}{near}")
    return dict(found)


def _paths(connection: Connection, user_ix: int) -> dict[int, dict[str, Any]]:
    """Return every interest that is the user's, by id; its own and its exemplar's paths first."""
    rows = [dict(row) for row in connection.execute(_PATHS, {"user_ix": user_ix}).mappings()]
    rows.sort(key=lambda row: ("own", "exemplar", "synthetic", "user").index(row["through"]))
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        row["path_similarity"] = row.pop("similarity")
        found.setdefault(row["interest_id"], row)
    return found


def _compare(
    store: Store, connection: Connection, item: dict[str, Any], paths: list[dict[str, Any]]
) -> None:
    """Set ``similarity`` of each path: cosine of the item's and the interest's text vectors."""
    facts = _facts(connection)
    encoder = facts.get("encoder")
    vectors: dict[str, NDArray[np.float32]] = {}
    own = ""
    if encoder is not None:
        style = facts.get("item_text", "title+categories")
        own = text_digest(item_text(item["title"], json.loads(item["categories"]), style))
        vectors = fetch(connection, encoder, [own, *(path["text_digest"] for path in paths)])
    absent = [
        (path["interest_id"], path["text_digest"])
        for path in paths
        if path["text_digest"] not in vectors
    ]
    stand_ins = store.vectors.of_interests(absent, encoder) if own in vectors and absent else {}
    for path in paths:
        vector = vectors.get(path["text_digest"], stand_ins.get(path["interest_id"]))
        cosine = 0.0 if vector is None or own not in vectors else float(vectors[own] @ vector)
        path["similarity"] = round(cosine, 4)


def _facts(connection: Connection) -> dict[str, Any]:
    rows = connection.exec_driver_sql(
        "SELECT key, value FROM meta WHERE key IN ('encoder', 'item_text')"
    )
    return {key: json.loads(value) for key, value in rows}
