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
        int, typer.Option(help="Decides the sample of users where there are many.")
    ] = 0,
    json: Json = False,
) -> None:
    """Measure the stored interests: grounded, covering, distinct, predictive.

    $ profiler evaluate --store shop.db --truth shop/truth.json
    """
    from profiler.quality.evaluate_store import evaluate_store
    from store.console import print_json, print_table
    from store.store import open_store

    with open_store(store) as opened:
        if against is None:
            report = evaluate_store(opened, truth=truth, k=k, seed=seed)
        else:
            with open_store(against) as other:
                report = evaluate_store(opened, truth=truth, against=other, k=k, seed=seed)
    if json:
        print_json(report)
        return
    intervals = report.pop("intervals")
    rows = []
    for name, value in report.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, number in parts:
            shown = f"{number:.4f}" if isinstance(number, float) else number
            found = intervals.get(name)
            between = found.get(part) if isinstance(found, dict) else found
            span = f"{between[0]:.4f} to {between[1]:.4f}" if between else ""
            rows.append([name, part, "not measured" if shown is None else shown, span])
    print_table("", ["measure", "part", "value", "95 %"], rows)
