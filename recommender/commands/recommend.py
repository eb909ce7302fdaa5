"""``recommender recommend``: top-k for a user or a raw history."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import typer

from recommender.commands.options import (
    History,
    Model,
    ModelStore,
    User,
    require_model,
    require_store,
)
from store.console.options import Json, Overwrite, option


def recommend(
    model: Model,
    user: User = None,
    history: History = None,
    k: Annotated[int, typer.Option("-k", help="How many items.")] = 10,
    explain: Annotated[
        bool, option("Say why, with the interests and their evidence.", "--explain")
    ] = False,
    diversity: Annotated[
        float, typer.Option(help="Weight of different categories in the list; 0 is off.")
    ] = 0.0,
    seen: Annotated[bool, option("Also recommend items the history holds.", "--seen")] = False,
    all_users: Annotated[
        Path | None,
        option("Write lists of all users to a Parquet file.", "--all", metavar="FILE"),
    ] = None,
    store: ModelStore = None,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Recommend items to a user of the store, or for a history given on the command line.

    $ recommender recommend models/remi --user U042 -k 3 --explain
    $ recommender recommend models/remi --history I0101,I0102
    """
    require_model(model)
    require_store(store)
    from recommender.serving.service import Service
    from store.console import note, print_json, say
    from store.errors import UserError

    if all_users is not None and (user or history or explain or diversity):
        raise UserError(
            "--all writes plain lists of all users; leave out --user, --history, --explain and "
            "--diversity"
        )
    with Service(model, store=store) as service:
        if all_users is not None:
            from recommender.serving.export import ends_early, export_target, write_parquet

            target = export_target(service, all_users, overwrite=overwrite)
            rows = write_parquet(service, target, k, filter_seen=not seen)
            if warning := ends_early(service):
                note(warning)
            if json:
                print_json({"file": str(all_users), "rows": rows})
            else:
                say(f"{all_users}: {rows:,} rows")
            return
        found = service.recommend(
            user=user,
            history=parse_history(history),
            k=k,
            filter_seen=not seen,
            diversity=diversity,
            explain=explain,
        )
        for line in service.notes(diversity):
            note(line)
    if json:
        print_json(
            {
                "model": str(model),
                "user": user,
                "history": parse_history(history),
                "recommendations": [item.to_json() for item in found],
            }
        )
        return
    from recommender.text import explanation_lines, item_name

    for item in found:
        say(f"{item.rank:>3}. {item_name(item.title, item.item_id)}  {item.score:.3f}")
        if item.explanation is not None:
            for line in explanation_lines(item.explanation, most=3):
                say(f"     {line}")


def parse_history(text: str | None) -> list[str] | None:
    """Read item ids joined by commas; an id that holds a comma stands in double quotes.

    >>> parse_history('I1, "lamp, brass"')
    ['I1', 'lamp, brass']
    """
    if text is None:
        return None
    ids = next(csv.reader([text], skipinitialspace=True), [])
    return [one.strip() for one in ids if one.strip()]
