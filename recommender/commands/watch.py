"""``recommender watch``: how yesterday's model does on today's events, and when to train again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from recommender.commands.options import Model, require_model, require_store
from store.console.options import Json, StoreFile, given, option

if TYPE_CHECKING:
    from recommender.warm.watch import Watch


def watch(
    model: Model,
    store: StoreFile,
    events: Annotated[
        Path | None,
        option(
            "Today's interactions, in the same format as the store's data.",
            default="the test part of the store",
        ),
    ] = None,
    floor: Annotated[
        float | None,
        option("Share of the reference that recall@50 must not fall below.", default="0.9"),
    ] = None,
    reference: Annotated[
        float | None,
        option(
            "Recall@50 to compare with.",
            default="that of the validation part, as the model's folder has it",
        ),
    ] = None,
    most_new: Annotated[
        float | None,
        option("Share of the events that may be on items the model lacks.", default="0.1"),
    ] = None,
    prometheus: Annotated[
        bool, option("Print the text format of Prometheus.", "--prometheus")
    ] = False,
    json: Json = False,
) -> int:
    """Measure a model on events that it was not trained on: recall, coverage, dead interests.

    Exits with code 1 if the model is due to be trained again.

    $ recommender watch models/remi --store shop.db --events today.tsv
    $ recommender watch models/remi --store shop.db --events today.tsv --prometheus
    """
    require_model(model)
    require_store(store)
    from store.console import print_json, show_progress
    from store.errors import UserError

    if prometheus and json:
        raise UserError("`prometheus` and `json` print two formats; give one of them")
    with show_progress(quiet=json or prometheus) as tell:
        tell("starting", 0, 0)  # what is imported next takes seconds
        from recommender.warm.watch import Rule
        from recommender.warm.watch import watch as run

        rule = Rule(**given(floor=floor, reference=reference, most_new=most_new))
        found = run(model, store, events, rule=rule)
    if json:
        print_json(found.to_json())
    elif prometheus:
        print(found.to_prometheus(), end="")
    else:
        _tell(found)
    return 1 if found.retrain else 0


def _tell(found: Watch) -> None:
    from store.console import print_table, say

    say(
        f"{found.model} on {found.events}: {found.interactions:,} events of {found.users:,} users, "
        f"{found.users_measured:,} measured, {found.users_without_history:,} without a history"
    )
    shown = {
        "recall@10": found.recall_10,
        "recall@50": found.recall_50,
        "± of recall@50": found.margin_50,
        "recall@50 of popularity": found.popularity_50,
        "reference": found.reference,
        "events on items the model lacks": found.events_on_new_items,
        "coverage of lists of 10": found.coverage_10,
        "dead vectors of the model": found.dead_vectors,
        "dead interests of the store": found.dead_interests,
        "explained lists": found.explained,
    }
    rows = [(name, f"{value:.4f}") for name, value in shown.items() if value is not None]
    print_table("Today", ["figure", "value"], rows)
    for line in found.because:
        say(line)
    say("time to train again" if found.retrain else "no reason to train again")
