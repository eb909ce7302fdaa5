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
from store.console.options import Detail, Json, option


def explain(
    model: Model,
    item: Annotated[str, option("The item id to explain.")],
    user: User = None,
    history: History = None,
    detail: Detail = False,
    store: ModelStore = None,
    json: Json = False,
) -> None:
    """Why a model gives an item its score: in a sentence, or with all figures by --detail.

    An interest is named only where it fits the item; the items named are those that raised the
    score. The figures are what each item of the history gave, and which interest scored it.

    $ recommender explain models/remi --user U042 --item P096
    $ recommender explain models/remi --user U042 --item P096 --detail
    """
    require_model(model)
    require_store(store)
    from recommender.commands.recommend import parse_history
    from recommender.serving.service import Service
    from recommender.text import detail_lines, item_name, reason_lines
    from store.console import note, print_json, say, say_lines

    with Service(model, store=store) as service:
        found = service.explain(item, user=user, history=parse_history(history))
        for line in service.notes():
            note(line)
    if json:
        print_json({"model": str(model), "user": user, **found.to_json()})
        return
    say(item_name(found.title, found.item_id))
    say_lines(reason_lines(found), "  ")
    if detail:
        say_lines(detail_lines(found, most=None), "    ")
