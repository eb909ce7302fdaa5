"""``profiler explain``: why an item fits a user, by the stored interests."""

from __future__ import annotations

from typing import Annotated

from profiler.commands.options import User
from store.console.options import Json, StoreFile, option


def explain(
    user: User,
    item: Annotated[str, option("Item id as in the data.")],
    store: StoreFile,
    json: Json = False,
) -> None:
    """Why an item fits a user: the nearest of the user's interests, with path and evidence.

    $ profiler explain U042 --item I0101 --store shop.db
    """
    from store.console import plain, print_json, say
    from store.store import open_store
    from store.views.interests.explanation import explain_item

    with open_store(store) as opened:
        explanation = explain_item(opened, user, item)
    if json:
        print_json(explanation.to_json())
        return
    say(f"{plain(explanation.item.title or item)} for user {plain(user)}:")
    if explanation.why != "found":
        say(f"  {explanation.why}")
    for path in explanation.interests:
        near = "it proves this interest" if path.is_evidence else f"near {path.similarity:.2f}"
        say(f"  {plain(path.label)} ({near}): {plain(path.description)}")
        titles = [
            plain(e.title or e.item_id) + (" (own)" if e.touched else "") for e in path.evidence
        ]
        say(f"    shown by {'; '.join(titles[:4])}")
        source = f"answer {path.response_id}" if path.response_id else path.source
        say(f"    user {plain(user)} -> {plain(path.subject)} ({path.through}) -> {source}")
