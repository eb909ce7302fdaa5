"""Facts of two stores about themselves: which must agree, which are joined, which are made anew."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection

from store.db.statements import statement
from store.db.sweeping import PENDING
from store.digests import canonical_json
from store.tables.datasets import content_digest

BOUNDARY_KEY = "boundary_key"
"""Fact: the secret that a store's questions are marked with, and so part of their addresses."""
OTHER_BOUNDARY_KEYS = "merged_boundary_keys"
"""Fact: secrets of the stores that were merged in; their paid answers are found by these."""
MUST_AGREE = {
    "encoder": "encoder",
    "item_text": "text of items",
    "history_vector": "vector of histories",
    "split": "split",
}
"""Facts that two stores must share, and what a message calls them."""

_CHOICE = ("choice_digest", "choice", "exemplar_choice", "synthetic_users")
_MADE_ANEW = ("assigned_digest", "merged_digest", "joined", "listing", PENDING)
_MAIN = statement("SELECT key, value FROM main.meta")
_OTHER = statement("SELECT key, value FROM other.meta")
_SET = statement("INSERT OR REPLACE INTO main.meta (key, value) VALUES (:key, :value)")
_DROP = statement("DELETE FROM main.meta WHERE key = :key")


def facts(connection: Connection, *, other: bool = False) -> dict[str, Any]:
    """What a store, or the other one that is attached, says about itself."""
    rows = connection.execute(_OTHER if other else _MAIN)
    return {key: json.loads(value) for key, value in rows}


def join_facts(connection: Connection, *, data_joined: bool) -> None:
    """Make the facts those of the joined store; the first store's stand where either could.

    Parameters
    ----------
    connection
        A write transaction with the other store attached.
    data_joined
        Whether items, users or interactions were added, so that the data set is another one.
    """
    ours, theirs = facts(connection), facts(connection, other=True)
    joined = {key: value for key, value in theirs.items() if key not in ours}
    joined |= _keys(ours, theirs) | _learned(ours, theirs)
    sources = [one for one in (ours.get("source"), theirs.get("source")) if one]
    if len(set(sources)) > 1:
        joined["source"] = " + ".join(sources)
    same_choice = ours.get("choice_digest") == theirs.get("choice_digest")
    if data_joined:
        digest = content_digest(connection)
        joined |= {"content_digest": digest, "dataset_digest": digest}
    for key, value in joined.items():
        connection.execute(_SET, {"key": key, "value": canonical_json(value)})
    for key in (*_MADE_ANEW, *(() if same_choice and not data_joined else _CHOICE[:1])):
        connection.execute(_DROP, {"key": key})


def _keys(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Every secret that questions of either store were marked with."""
    own = ours.get(BOUNDARY_KEY, theirs.get(BOUNDARY_KEY))
    others = [
        *ours.get(OTHER_BOUNDARY_KEYS, ()),
        *([theirs[BOUNDARY_KEY]] if BOUNDARY_KEY in theirs else ()),
        *theirs.get(OTHER_BOUNDARY_KEYS, ()),
    ]
    kept = [key for key in dict.fromkeys(others) if key != own]
    return {OTHER_BOUNDARY_KEYS: kept} if kept else {}


def _learned(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """What either store learned of language models."""
    name = "learned_models"
    both = theirs.get(name, {}) | ours.get(name, {})
    return {name: both} if both else {}
