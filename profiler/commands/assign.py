"""``profiler assign``: new users join the nearest exemplar without any call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from profiler.commands._data_options import (
    CategoriesColumn,
    Format,
    ItemColumn,
    Items,
    PositionColumn,
    Source,
    TimeColumn,
    TitleColumn,
    UserColumn,
    read_options,
)

if TYPE_CHECKING:
    from profiler.selection.new_users import Joined


def assign(
    source: Source,
    store: Annotated[Path, typer.Option(help="The store file.")],
    save: Annotated[bool, typer.Option("--save", help="Store the users and memberships.")] = False,
    items: Items = None,
    format: Format = None,
    user_column: UserColumn = None,
    item_column: ItemColumn = None,
    time_column: TimeColumn = None,
    position_column: PositionColumn = None,
    title_column: TitleColumn = None,
    categories_column: CategoriesColumn = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Let the users of SOURCE join their nearest exemplar; nobody is asked anything."""
    from profiler.assignment.assign import assign_own_interests
    from profiler.selection.new_users import join_exemplars, save_joined
    from store.console import print_json
    from store.store import open_store

    options = read_options(
        format,
        items,
        user_column,
        item_column,
        time_column,
        position_column,
        title_column,
        categories_column,
    )
    with open_store(store) as opened:
        joined = join_exemplars(opened, source, options)
        saved = 0
        if save and joined.user_ids:
            saved = save_joined(opened, joined)
            assign_own_interests(opened, opened.datasets.load(), opened.vectors.items())
    document = _document(joined, saved)
    if json:
        print_json(document)
    else:
        _print(document)


def _document(joined: Joined, saved: int) -> dict[str, Any]:
    users = [
        {
            "user": user,
            "exemplar": None if subject is None else subject.name,
            "similarity": None if subject is None else round(similarity, 6),
        }
        for user, subject, similarity in zip(
            joined.user_ids, joined.subjects, joined.similarity.tolist(), strict=True
        )
    ]
    return {
        "users": users,
        "known_users": joined.known_users,
        "unknown_items": joined.unknown_items,
        "saved": saved,
    }


def _print(document: dict[str, Any]) -> None:
    from store.console import note, print_table

    rows = [
        (
            one["user"],
            one["exemplar"] or "none: no item with text",
            "" if one["similarity"] is None else f"{one['similarity']:.3f}",
        )
        for one in document["users"]
    ]
    print_table("New users", ["user", "exemplar", "similarity"], rows)
    if document["known_users"]:
        note(f"{document['known_users']} users are in the store already and stay as they are")
    if document["unknown_items"]:
        note(
            f"{document['unknown_items']} interactions were left out: the store does not have "
            "their items; profiler build adds them"
        )
    if document["saved"]:
        note(f"{document['saved']} users stored; nobody was asked")
    elif rows:
        note("nothing was stored; add --save to keep them")
