"""From how many training users on a shop needs the texts of its items no longer.

    python benchmarks/bench_no_data.py --stores STORES                 # Office, 0 … 1,000 users
    python benchmarks/bench_no_data.py --stores STORES --table         # what was measured so far

Of the training users a few are drawn, and the interactions of the others are removed from a copy of
the store. Validation and test users stay: the former stop the training and choose the share of the
texts, the latter are measured. With no training user only the backbone ``text`` can answer. Rows
are appended to STORES/no-data-office.tsv as they come, so a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import copy
import csv
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from bench_cold import OWN, _t95, make_store, read_rows

from recommender.api import train
from recommender.evaluation.ranking import evaluate_scores, popularity, scorer_of
from store.store import Store, open_store

USERS = (0, 10, 100, 1_000)
TEXT = (*OWN, "card", "next")
SASREC: dict[str, Any] = {
    "backbone": "sasrec",
    "model": {"length": 20},
    "training": {"epochs": 25, "patience": 5},
}
MODELS: dict[str, dict[str, Any]] = {
    "text": {"backbone": "text", "text": TEXT},
    "itemknn": {"backbone": "itemknn"},
    "sasrec": SASREC,
    "sasrec + texts (--blend)": {**SASREC, "text": TEXT, "blend": True},
}
COLUMNS = ("users", "draw", "model", "recall@10", "recall@50", "ndcg@10", "test_users")


def leave(store: Store, number: int, draw: int) -> None:
    """Keep this many training users; the others' interactions go."""
    dataset = store.datasets.load()
    training = np.flatnonzero(dataset.user_split == 0)
    kept = np.random.default_rng(draw).permutation(training)[:number].tolist()
    gone = [(user,) for user in set(training.tolist()) - set(kept)]
    if gone:
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM interactions WHERE user_ix = ?", gone)


def one_draw(store: Store, number: int, draw: int, add: Any) -> None:
    """Train and measure every model on this many users."""
    leave(store, number, draw)
    dataset = store.datasets.load()
    settings = copy.deepcopy(MODELS)
    for name, recipe in settings.items():
        if number == 0 and name != "text":
            continue
        if "training" in recipe:
            recipe["training"] |= {"seed": draw}
        model = train(store, align=(), progress=False, **recipe).model
        add(name, evaluate_scores(scorer_of(model), dataset, length=20))
    if number:
        add("popularity", evaluate_scores(popularity(dataset), dataset, length=20))


def run(path: Path, table: Path, draws: int, users: list[int]) -> None:
    """Measure what is not in the table yet."""
    done = {(row["users"], row["draw"]) for row in read_rows(table)}
    for draw in range(draws):
        for number in users:
            if (str(number), str(draw)) in done or (number == 0 and draw):
                continue
            rows: list[list[object]] = []

            def add(name: str, found: Any) -> None:
                means = found.means
                figures = [round(means[key], 6) for key in COLUMNS[3:6]]
                rows.append([number, draw, name, *figures, found.protocol["users"]])  # noqa: B023
                print(*rows[-1], sep="\t", flush=True)  # noqa: B023

            with tempfile.TemporaryDirectory() as folder:
                copied = Path(folder) / path.name
                shutil.copy(path, copied)
                with open_store(copied) as store:
                    one_draw(store, number, draw, add)
            new = not table.exists()
            with table.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, delimiter="\t")
                writer.writerows([COLUMNS] if new else [])
                writer.writerows(rows)


def print_table(rows: list[dict[str, str]]) -> None:
    """Means over draws, with 95 % intervals."""
    print("| training users | model | draws | recall@10 | recall@50 | ndcg@10 |")
    print("|---|---|---|---|---|---|")
    for number, model in dict.fromkeys((row["users"], row["model"]) for row in rows):
        mine = [row for row in rows if (row["users"], row["model"]) == (number, model)]
        cells = []
        for column in COLUMNS[3:6]:
            values = [float(row[column]) for row in mine]
            margin = ""
            if len(values) > 1:
                spread = np.std(values, ddof=1) / np.sqrt(len(values))
                margin = f" ± {_t95(len(values)) * spread:.3f}"
            cells.append(f"{np.mean(values):.3f}{margin}")
        print(f"| {int(number):,} | {model} | {len(mine)} | " + " | ".join(cells) + " |")


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stores", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--users", nargs="+", type=int, default=list(USERS))
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    table = given.stores / "no-data-office.tsv"
    if not given.table:
        torch.set_num_threads(1)
        run(make_store("office", given.stores), table, given.draws, given.users)
    print_table(read_rows(table))


if __name__ == "__main__":
    main()
