"""``profiler assign``: new users join the nearest exemplar without any call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

from profiler.commands.data_options import DataOptions, Source
from profiler.commands.options import StoredEncoder
from store.console.options import Json, StoreFile, grouped, option

if TYPE_CHECKING:
    from profiler.selection.new_users import Joined


@grouped
def assign(
    source: Source,
    store: StoreFile,
    data: DataOptions,
    save: Annotated[bool, option("Store the users and memberships.", "--save")] = False,
    encoder: StoredEncoder = None,
    json: Json = False,
) -> None:
    """Assign the users of SOURCE to their nearest exemplar, without a language model.

    $ profiler assign new-customers.csv --store shop.db --save
    """
    from profiler.assignment.assign import assign_own_interests
    from profiler.selection.new_users import join_exemplars, save_joined
    from store.console import print_json
    from store.store import open_store

    with open_store(store) as opened:
        joined = join_exemplars(opened, source, data.read_options(), encoder=encoder)
        saved = 0
        if save and joined.user_ids:
            saved = save_joined(opened, joined)
            assign_own_interests(opened, opened.datasets.load(), opened.vectors.items())
    document = _document(joined, saved)
    if json:
        print_json(document)
    else:
        _print(document)


class _JoinedUser(TypedDict):
    user: str
    exemplar: str | None
    similarity: float | None


class _Document(TypedDict):
    users: list[_JoinedUser]
    known_users: int
    unknown_items: int
    saved: int


def _document(joined: Joined, saved: int) -> _Document:
    users = [
        _JoinedUser(
            user=user,
            exemplar=None if subject is None else subject.name,
            similarity=None if subject is None else round(similarity, 6),
        )
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


def _print(document: _Document) -> None:
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
        note(f"{document['saved']} users stored; no model was called")
    elif rows:
        note("nothing was stored; add --save to keep them")
