"""``recommender compare``: models × seeds in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recommender.choices import InterestSource
from recommender.commands.options import (
    Device,
    LengthOptions,
    ProtocolOptions,
    Settings,
    require_store,
)
from store.console.options import Json, StoreFile, grouped, option


@grouped
def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Models, the first is the baseline if none is named: a backbone with +eimf, "
            "+ldmi, +crowd and +text as wanted, and settings of its own after a colon, such as "
            "remi remi+eimf sasrec+crowd pop remi+eimf:eimf.predict=false,training.patience=8.",
            show_default=False,
        ),
    ],
    store: StoreFile,
    out: Annotated[Path, option("Folder of the trained models; kept and used again.")],
    protocol: ProtocolOptions,
    length: LengthOptions,
    seeds: Annotated[int, typer.Option(min=1, help="Train each model with this many seeds.")] = 3,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    metrics: Annotated[
        str, typer.Option(help="Metrics with their k, joined by commas.")
    ] = "recall@20,recall@50,ndcg@20,hr@50",
    baseline: Annotated[
        str | None, option("The model others are compared with.", default="the first")
    ] = None,
    interests: Annotated[
        InterestSource,
        typer.Option(help="A user's interests: those of the exemplar, or from the catalogue."),
    ] = "exemplar",
    set_: Settings = None,
    where: Annotated[
        bool,
        option("Compare recall by how rare targets and how long histories are, too.", "--where"),
    ] = False,
    device: Device = "cpu",
    json: Json = False,
) -> None:
    """Train models with several seeds, measure them on the same users, test the differences.

    Nothing inside its 95 % interval is called a gain.

    $ recommender compare remi remi+eimf pop --store shop.db --out compare --seeds 2
    """
    require_store(store)
    from store.console import print_json, print_table, say, show_progress

    with show_progress() as tell:
        tell("starting", 0, 0)  # what is imported next takes seconds
        from recommender.experiments.compare import compare as run
        from recommender.recipes.specs import join_training, split_settings
        from recommender.text import comparison_tables

        parts = join_training(split_settings(set_ or []), **vars(length))
        found = run(
            store,
            models,
            out,
            seeds=range(seed, seed + seeds),
            baseline=baseline,
            metrics=[name.strip() for name in metrics.split(",")],
            part=protocol.part,
            settings={**parts, "interests": interests},
            where=where,
            keep_seen=protocol.keep_seen,
            device=device,
            say=lambda line: tell(line, 0, 0),
        )
    if json:
        print_json(found.to_json())
        return
    p = found.protocol
    say(
        f"{p['users']:,} users, split {p['split']}, {p['part']} part, items the user already has "
        f"{p['seen_items']}; seeds {', '.join(str(s) for s in found.seeds)}; intervals are 95 %"
    )
    for title, headers, rows in comparison_tables(found):
        print_table(title, headers, rows)
    if seeds == 1:
        say("one seed: the intervals leave out the spread between seeds")
