"""``recommender explain``: a score split into its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def explain(
    model: Annotated[Path, typer.Argument(help="The model folder.")],
    item: Annotated[str, typer.Option(help="The item id to explain.")],
    user: Annotated[str | None, typer.Option(help="A user of the store.")] = None,
    history: Annotated[
        str | None,
        typer.Option(help="Item ids joined by commas, oldest first, for a user never seen."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="The store file; default is the one it was trained on.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Why an item has its score: the interest that scored it, what each item of the history gave.

    Also the stored interests closest to it, with the items that prove them and where they are from.
    """
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
