"""The question a user or a stored subject would be asked with, made without asking it."""

from __future__ import annotations

import json

from profiler.asking.boundary import boundary_key
from profiler.asking.questions import Cut, make_request
from profiler.asking.shown import shown_subjects
from profiler.llm.port import Request, ShownItem, ShownSubject
from prompts import Template
from store.data.splits import Part
from store.errors import StoreError, UserError
from store.store import Store


def preview(
    store: Store,
    template: Template,
    *,
    user: str | None = None,
    subject: str | None = None,
    token_budget: int,
    cut: Cut,
) -> Request:
    """Render ``template`` for a user's visible history, or for a subject by name.

    Raises
    ------
    StoreError
        The store has no such user or subject, or nothing of it may be shown.
    UserError
        The template is a correction, or cannot be rendered.
    """
    if template.task == "reask":
        raise UserError(
            f"template {template.name!r} is appended to another question and shows no items; "
            "render the question instead"
        )
    shown = _subject(store, subject) if subject is not None else _user(store, str(user))
    if not shown.items:
        raise StoreError(f"{shown.name} has no items that may be shown under the store's split")
    return make_request(
        shown,
        template,
        token_budget=token_budget,
        cut=cut,
        boundary_key=boundary_key(store),
        max_tokens=1,
    )


def _subject(store: Store, name: str) -> ShownSubject:
    found = [one for one in store.subjects.load(active=False) if one.name == name]
    if not found:
        raise StoreError(f"{store.path} has no subject {name!r}; see: profiler exemplars")
    return shown_subjects(store, found)[0]


def _user(store: Store, user: str) -> ShownSubject:
    """A user's training interactions: what the split lets the model see."""
    with store.read() as connection:
        user_ix = connection.exec_driver_sql(
            "SELECT user_ix FROM users WHERE user_id = ?", (user,)
        ).scalar()
        if user_ix is None:
            raise StoreError(f"{store.path} has no user {user!r}")
        rows = connection.exec_driver_sql(
            "SELECT i.item_ix, i.item_id, i.title, i.categories FROM interactions x "
            "JOIN items i USING (item_ix) WHERE x.user_ix = ? AND x.part = ? ORDER BY x.position",
            (user_ix, int(Part.TRAIN)),
        ).all()
    unique = {row.item_ix: row for row in rows}  # an item bought twice is shown once
    items = tuple(
        ShownItem(row.item_ix, row.item_id, row.title, tuple(json.loads(row.categories)))
        for row in unique.values()
    )
    return ShownSubject(0, "user", f"user:{user}", items)
