"""``recommender compare``: models × seeds in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Models, the first is the baseline if none is named: a backbone with +eimf, "
            "+ldmi, +crowd and +text as wanted, and settings of its own after a colon, such as "
            "remi remi+eimf sasrec+crowd pop remi+eimf:eimf.predict=false,training.patience=8."
        ),
    ],
    store: Annotated[Path, typer.Option(help="The store file to train on.")],
    out: Annotated[Path, typer.Option(help="Folder of the trained models; kept and used again.")],
    seeds: Annotated[int, typer.Option(help="Train each model with this many seeds.")] = 3,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0,
    metrics: Annotated[
        str, typer.Option(help="Metrics with their k, joined by commas.")
    ] = "recall@20,recall@50,ndcg@20,hr@50",
    baseline: Annotated[
        str | None, typer.Option(help="The model others are compared with; the first.")
    ] = None,
    part: Annotated[str, typer.Option(help="test or valid.")] = "test",
    seen: Annotated[
        str, typer.Option(help="Items the user already has: protocol, keep or remove.")
    ] = "protocol",
    interests: Annotated[
        str, typer.Option(help="A user's interests: its exemplar's, or from the catalogue.")
    ] = "exemplar",
    epochs: Annotated[int | None, typer.Option(help="Most passes over the users.")] = None,
    steps: Annotated[int | None, typer.Option(help="Most optimiser steps.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PART.NAME=VALUE", help="As in train, for all models."),
    ] = None,
    where: Annotated[
        bool,
        typer.Option(
            "--where", help="Compare recall by how rare targets and how long histories are, too."
        ),
    ] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Train models with several seeds, measure them on the same users, test the differences.

    Nothing inside its 95 % interval is called a gain.
    """
    from recommender.experiments.compare import compare as run
    from recommender.recipes.specs import join_training, split_settings
    from recommender.text import comparison_tables
    from store.console import note, print_json, print_table, say
    from store.errors import UserError

    if part not in ("test", "valid"):
        raise UserError(f"--part {part!r}: write test or valid")
    if seen not in ("protocol", "keep", "remove"):
        raise UserError(f"--seen {seen!r}: write protocol, keep or remove")
    parts = join_training(split_settings(set_ or []), epochs=epochs, steps=steps)
    found = run(
        store,
        models,
        out,
        seeds=range(seed, seed + seeds),
        baseline=baseline,
        metrics=[name.strip() for name in metrics.split(",")],
        part="valid" if part == "valid" else "test",
        settings={**parts, "interests": interests},
        where=where,
        keep_seen=None if seen == "protocol" else seen == "keep",
        device=device,
        say=note,
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
