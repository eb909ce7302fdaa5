"""What a store holds as polars frames: the catalogue, interests of users, hits, measures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl

from profiler.quality.evaluate_store import evaluate_store, table_rows
from store.console.progress import Tell, shown
from store.store import Store, opened
from store.views.interests.catalogue import list_interests
from store.views.interests.search import search as find
from store.views.subjects.users import show_user

AnyStore = Store | str | Path

CATALOGUE: dict[str, Any] = {
    "interest_id": pl.Int64,
    "label": pl.String,
    "description": pl.String,
    "users": pl.Int64,
    "items": pl.Int64,
    "subject": pl.String,
    "source": pl.String,
    "pinned": pl.Boolean,
    "merged": pl.Int64,
}
OF_USERS: dict[str, Any] = {
    "user_id": pl.String,
    "interest_id": pl.Int64,
    "label": pl.String,
    "description": pl.String,
    "share": pl.Float64,
    "items": pl.List(pl.String),
    "subject": pl.String,
    "source": pl.String,
}
HITS: dict[str, Any] = {
    "interest_id": pl.Int64,
    "label": pl.String,
    "description": pl.String,
    "users": pl.Int64,
    "subject": pl.String,
    "shown_by": pl.List(pl.String),
    "found_by": pl.List(pl.String),
}
MEASURES: dict[str, Any] = {
    "measure": pl.String,
    "part": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def search(
    store: AnyStore, query: str, k: int = 10, *, encoder: str | None = None, encode: bool = False
) -> pl.DataFrame:
    """Find stored interests by words and by meaning.

    Parameters
    ----------
    store
        Where to look.
    query
        Words, or an FTS5 expression.
    k
        Maximum number of hits; near-duplicates are one.
    encoder, encode
        Compare the meaning of the query itself, with the store's encoder or the one named.

    Returns
    -------
    polars.DataFrame
        ``interest_id``, ``label``, ``description``, ``users``, ``subject``, ``shown_by`` (titles)
        and ``found_by``; best first.

    Raises
    ------
    UserError
        If the query cannot be read.
    """
    with opened(store) as one:
        vector = None
        if encode or encoder is not None:
            from profiler.vectors.encoding import load_stored_encoder

            vector = load_stored_encoder(one, encoder).encode([query])[0]
        hits = find(one, query, limit=k, vector=vector)
    rows = [
        {
            "interest_id": hit.interest_id,
            "label": hit.label,
            "description": hit.description,
            "users": hit.users,
            "subject": hit.subject,
            "shown_by": [item.title or item.item_id for item in hit.evidence],
            "found_by": hit.by,
        }
        for hit in hits
    ]
    return pl.DataFrame(rows, schema=HITS)


def interests(
    store: AnyStore, users: str | Sequence[str] | None = None, *, limit: int | None = None
) -> pl.DataFrame:
    """List the catalogue of interests, or those of users.

    Parameters
    ----------
    store
        Where to look.
    users
        One user or several; None lists the catalogue.
    limit
        Most interests of the catalogue, or of each user.

    Returns
    -------
    polars.DataFrame
        The catalogue: ``interest_id``, ``label``, ``description``, ``users`` (reached), ``items``
        (that show it), ``subject``, ``source``, ``pinned``, ``merged`` (near-duplicates under it).
        Of users: ``user_id``, ``interest_id``, ``label``, ``description``, ``share`` of the
        history (shares overlap), ``items`` (their own that show it, by title), ``subject``,
        ``source``; the largest share first.

    Raises
    ------
    StoreError
        If the store has no such user.
    """
    with opened(store) as one:
        if users is not None:
            named = [users] if isinstance(users, str) else list(users)
            return pl.DataFrame(
                [row for user in named for row in _own_rows(one, user)[:limit]], schema=OF_USERS
            )
        found = list_interests(one, limit=limit)
    rows = [
        {
            **{name: getattr(group, name) for name in CATALOGUE if name not in ("items", "merged")},
            "items": group.evidence,
            "merged": len(group.merged),
        }
        for group in found
    ]
    return pl.DataFrame(rows, schema=CATALOGUE)


def _own_rows(store: Store, user: str) -> list[dict[str, Any]]:
    own = sorted(show_user(store, user).own, key=lambda one: -one.score)
    return [
        {
            "user_id": user,
            "interest_id": one.interest_id,
            "label": one.label,
            "description": one.description,
            "share": one.score,
            "items": [item.title or item.item_id for item in one.items],
            "subject": one.of_subject,
            "source": one.source,
        }
        for one in own
    ]


def evaluate(
    store: AnyStore,
    *,
    truth: str | Path | None = None,
    against: AnyStore | None = None,
    k: int = 50,
    seed: int = 0,
    progress: Tell | bool = True,
) -> pl.DataFrame:
    """Measure how good the stored interests are; see ``docs/quality.md``.

    Parameters
    ----------
    store
        With interests.
    truth
        JSON file ``{"items": {item id: group or list of groups}}``.
    against
        Another store over the same items, for stability.
    k
        Length of the rankings.
    seed
        Of samples and of shuffled controls.
    progress
        True shows it, False does not; a callback gets (step, done, total).

    Returns
    -------
    polars.DataFrame
        ``measure``, ``part``, ``value`` (null where it was not measured) and the 95 % interval
        ``low`` to ``high``.

    Raises
    ------
    StoreError
        If a store has no interests, or the two have no subject in common.
    DataError
        If the truth cannot be read.
    """
    with ExitStack() as stack:
        one = stack.enter_context(opened(store))
        other = None if against is None else stack.enter_context(opened(against))
        stack.enter_context(shown(progress))("measuring", 0, 0)
        path = None if truth is None else Path(truth)
        found = evaluate_store(one, truth=path, against=other, k=k, seed=seed)
    rows = [
        (name, part, value, *(between or (None, None)))
        for name, part, value, between in table_rows(found)
    ]
    return pl.DataFrame(rows, schema=MEASURES, orient="row")
