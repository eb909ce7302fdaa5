"""``recommender explain``: a score split into its parts."""

from __future__ import annotations

from typing import Annotated

from recommender.commands.options import (
    History,
    Model,
    ModelStore,
    User,
    require_model,
    require_store,
)
from store.console.options import Json, option


def explain(
    model: Model,
    item: Annotated[str, option("The item id to explain.")],
    user: User = None,
    history: History = None,
    store: ModelStore = None,
    json: Json = False,
) -> None:
    """Why an item has its score: the interest that scored it, what each item of the history gave.

    Also the stored interests closest to it, with the items that prove them and where they are from.

    $ recommender explain models/remi --user U042 --item I0101
    """
    require_model(model)
    require_store(store)
    from recommender.commands.recommend import parse_history
    from recommender.serving.service import Service
    from recommender.text import explanation_lines, item_name
    from store.console import note, print_json, say

    with Service(model, store=store) as service:
        found = service.explain(item, user=user, history=parse_history(history))
        for line in service.notes():
            note(line)
    if json:
        print_json({"model": str(model), "user": user, **found.to_json()})
        return
    say(f"{item_name(found.title, found.item_id)}  {found.score:.3f}")
    for line in explanation_lines(found, most=None):
        say(f"  {line}")
