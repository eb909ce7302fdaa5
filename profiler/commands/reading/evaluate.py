"""``profiler evaluate``: how good the stored interests are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from store.console.options import Json, StoreFile, option


def evaluate(
    store: StoreFile,
    truth: Annotated[Path | None, option("JSON file with the known group of each item.")] = None,
    against: Annotated[
        Path | None, option("Another store over the same items, for stability.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Length of the rankings.")] = 50,
    seed: Annotated[
        int, typer.Option(help="Seed of the sample of users, which is taken where there are many.")
    ] = 0,
    json: Json = False,
) -> None:
    """Measure how good the stored interests are, and judge them against controls.

    The last lines are the verdict in words; all measures are explained in docs/quality.md.

    $ profiler evaluate --store shop.db --truth shop/truth.json
    """
    from contextlib import ExitStack

    from store.console import print_json, print_table, say, show_progress
    from store.store import open_store

    with ExitStack() as stack, show_progress(quiet=json) as tell:
        opened = stack.enter_context(open_store(store))
        other = None if against is None else stack.enter_context(open_store(against))
        tell("starting", 0, 0)  # what is imported next takes seconds
        from profiler.quality.evaluate_store import evaluate_store, table_rows
        from profiler.quality.verdict import verdict_lines

        tell("measuring", 0, 0)
        report = evaluate_store(opened, truth=truth, against=other, k=k, seed=seed)
    if json:
        print_json({**report, "verdict": verdict_lines(report)})
        return
    rows = []
    for name, part, value, between in table_rows(report):
        shown = f"{value:.4f}" if isinstance(value, float) else value
        span = f"{between[0]:.4f} to {between[1]:.4f}" if between else ""
        rows.append([name, part, "not measured" if shown is None else shown, span])
    print_table("", ["measure", "part", "value", "95 %"], rows)
    for line in verdict_lines(report):
        say(line)
