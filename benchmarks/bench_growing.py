"""Daily life against rebuilding from nothing: ML-1M in slices of time, each of as many events.

    python benchmarks/bench_growing.py --folder FOLDER                   # 200 users, 12 slices
    python benchmarks/bench_growing.py --folder FOLDER --users 6040 --rebuild-every 1

Daily: the slice is appended, drifted exemplars are asked again, the model of the slice before is
trained on. Rebuilt: a new store is built of all slices so far and a model is trained from nothing.
Both models then make lists for the users of the next slice, which neither has seen. Interests are
those of the extractor; every subject that is asked about would be one call to a language model.
All runs in one process, so no time is that of a program's start.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import polars as pl
from _data import data_dir

import profiler
from profiler.growth.refresh import RefreshOptions
from recommender.api import train
from recommender.warm.watch import Watch, watch

R = TypeVar("R")
COLUMNS = (
    "slice",
    "events",
    "way",
    "store s",
    "asked",
    "asked again",
    "train s",
    "steps",
    "users measured",
    "recall@10",
    "recall@50",
    "±",
    "popularity@50",
)


def timed(work: Callable[..., R], *args: Any, **how: Any) -> tuple[R, float]:
    """A result and the processor's seconds it took: other programs on the machine do not count."""
    start = time.process_time()
    return work(*args, progress=False, **how), time.process_time() - start


def slices(users: int, number: int, seed: int) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Events of some users in slices of time, and the texts of all items."""
    folder = data_dir("ml-1m")
    kinds = {"user_id": pl.String, "item_id": pl.String}
    log = pl.read_csv(folder / "interactions.tsv.gz", separator="\t", schema_overrides=kinds)
    items = pl.read_csv(folder / "items.tsv.gz", separator="\t", schema_overrides=kinds)
    chosen = log["user_id"].unique().sort().sample(min(users, 6040), seed=seed)
    log = log.filter(pl.col("user_id").is_in(chosen.implode())).sort(
        "timestamp", "user_id", "item_id"
    )
    bounds = [round(place * len(log) / number) for place in range(number + 1)]
    return [log[a:b] for a, b in pairwise(bounds)], items


def asked(report: Any) -> int:
    """Subjects that were asked about in a run."""
    return int(report.asking.calls) if report.asking else 0


def model_settings(options: argparse.Namespace) -> dict[str, Any]:
    training = {
        "epochs": options.steps,  # a small crowd is one step an epoch
        "steps": options.steps,
        "evaluate_every": 25,
        "patience": 5,
        "seed": options.seed,
    }
    return {
        "backbone": "sasrec",
        "align": "none",
        "model": {"d": 32, "length": 50},
        "training": training,
    }


def row(at: int, events: int, way: str, report: Any, spent: float, fit: Any, found: Watch) -> None:
    """Print one line of the table."""
    again = sum(one.again for one in report.growth.drifted) if report.growth else 0
    figures = [found.recall_10, found.recall_50, found.margin_50, found.popularity_50]
    shown: list[Any] = [at, events, way, f"{spent:.0f}", asked(report), again]
    shown += [f"{fit[1]:.0f}", fit[0].fit.steps, found.users_measured]
    shown += ["" if value is None else f"{value:.4f}" for value in figures]
    print("| " + " | ".join(map(str, shown)) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where all is written")
    parser.add_argument("--users", type=int, default=200, help="[200]")
    parser.add_argument("--slices", type=int, default=12, help="[12]")
    parser.add_argument("--rebuild-every", type=int, default=5, help="slices [5]")
    parser.add_argument("--steps", type=int, default=400, help="at most, of a training [400]")
    parser.add_argument("--drift", type=float, default=0.1, help="[0.1]")
    parser.add_argument("--seed", type=int, default=0, help="[0]")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    parts, items = slices(options.users, options.slices, options.seed)
    settings = model_settings(options)
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|", flush=True)
    daily, model = options.folder / "daily.db", options.folder / "model-0"
    report, spent = timed(profiler.build, (parts[0], items), daily)
    fit = timed(train, daily, model, overwrite=True, **settings)
    found = watch(model, daily, parts[1], explain=False)
    row(1, len(parts[0]), "first", report, spent, fit, found)
    refresh = RefreshOptions(drift=options.drift, usd=0.0)
    for at in range(1, len(parts) - 1):
        before, model, today = model, options.folder / f"model-{at}", parts[at]
        report, spent = timed(profiler.append, (today, items), daily, refresh=refresh)
        fit = timed(train, daily, model, start_from=before, overwrite=True)
        row(
            at + 1,
            len(today),
            "daily",
            report,
            spent,
            fit,
            watch(model, daily, parts[at + 1], explain=False),
        )
        if at % options.rebuild_every == 0 or at == len(parts) - 2:
            rebuilt, cold = options.folder / f"rebuilt-{at}.db", options.folder / f"cold-{at}"
            whole = pl.concat(parts[: at + 1])
            report, spent = timed(profiler.build, (whole, items), rebuilt)
            fit = timed(train, rebuilt, cold, overwrite=True, **settings)
            found = watch(cold, rebuilt, parts[at + 1], explain=False)
            row(at + 1, len(whole), "rebuilt", report, spent, fit, found)


if __name__ == "__main__":
    main()
