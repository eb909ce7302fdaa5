"""Synthetic users on real crowds, and the cover alone on a million sets.

Prints tables: end to end on Office, Beauty and ML-1M (seconds, coverage, gap); the coverage curve;
what the threshold trades; the same steps done plainly (all-pairs sparse product, greedy that sums
every gain anew) as ratios in the same run; and max cover on large random cases. Takes about a
minute on two cores.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from _data import data_dir
from numpy.typing import NDArray
from scipy.sparse import csr_array

from profiler.selection.synthetic.choose import choose_synthetic_users
from profiler.selection.synthetic.cover import max_cover
from profiler.selection.synthetic.neighbours import item_weights, neighbour_graph
from profiler.selection.synthetic.result import SyntheticSettings

DATA_SETS = ("amazon-office", "amazon-beauty", "ml-1m")
TABLES = ("end-to-end", "curve", "threshold", "peers", "million")
Histories = tuple[NDArray[np.int64], NDArray[np.int64], int, list[str]]


def histories(name: str) -> Histories:
    """CSR of everybody's distinct items, number of items, user ids."""
    found: dict[str, set[str]] = {}
    with gzip.open(data_dir(name) / "interactions.tsv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            found.setdefault(row["user_id"], set()).add(row["item_id"])
    index = {item: ix for ix, item in enumerate(sorted(set().union(*found.values())))}
    rows = [sorted(index[item] for item in items) for items in found.values()]
    indptr = np.cumsum([0, *map(len, rows)])
    return indptr, np.concatenate([np.array(row) for row in rows]), len(index), list(found)


def best_of(repeats: int, call: Callable[[], Any]) -> tuple[float, Any]:
    """Least seconds of several runs, and the last result."""
    least, result = np.inf, None
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        least = min(least, time.perf_counter() - start)
    return least, result


def end_to_end(count: int, repeats: int) -> None:
    print(f"\nEnd to end, {count} synthetic users, default settings, all users")
    print("data           users   items  candidates  chosen  titles  members  cohesion"
          "  items covered  users covered    gap  seconds")  # fmt: skip
    for name in DATA_SETS:
        crowd = histories(name)
        seconds, chosen = best_of(repeats, lambda c=crowd: choose_synthetic_users(*c, count=count))
        titles = np.mean([len(u.items) for u in chosen.users])
        members = np.mean([len(u.members) for u in chosen.users])
        cohesion = np.mean([u.cohesion for u in chosen.users])
        print(
            f"{name:13} {chosen.n_users:6} {chosen.n_items:7} {chosen.candidates:11}"
            f" {len(chosen.users):7} {titles:7.1f} {members:8.1f} {cohesion:9.3f}"
            f" {chosen.items_covered[-1] / chosen.n_items:14.1%}"
            f" {chosen.users_covered[-1] / chosen.n_users:14.1%}"
            f" {chosen.gap:6.1%} {seconds:8.2f}"
        )


def curve(count: int) -> None:
    print("\nCoverage curve: items covered by the first n synthetic users")
    points = [n for n in (10, 20, 40, 60, 100, 200) if n <= count]
    print("data          " + "".join(f"{n:>8}" for n in points))
    for name in DATA_SETS:
        chosen = choose_synthetic_users(*histories(name), count=count)
        got = [chosen.items_covered[min(n, len(chosen.users)) - 1] for n in points]
        print(f"{name:13} " + "".join(f"{n / chosen.n_items:8.1%}" for n in got))


def options_table() -> None:
    print("\nWhat the threshold trades, Beauty, 100 synthetic users")
    print("threshold  candidates  cohesion  members  titles  items covered")
    crowd = histories("amazon-beauty")
    for threshold in (0.02, 0.05, 0.1, 0.2, 0.3):
        settings = SyntheticSettings(threshold=threshold)
        chosen = choose_synthetic_users(*crowd, count=100, settings=settings)
        print(
            f"{threshold:9} {chosen.candidates:11}"
            f" {np.mean([u.cohesion for u in chosen.users]):9.3f}"
            f" {np.mean([len(u.members) for u in chosen.users]):8.1f}"
            f" {np.mean([len(u.items) for u in chosen.users]):7.1f}"
            f" {chosen.items_covered[-1] / chosen.n_items:14.1%}"
        )


def plain_graph(indptr: Any, items: Any, weights: Any, k: int) -> int:
    """All pairs at once: scipy's sparse product, then the top k of every row."""
    n_users, n_items = len(indptr) - 1, len(weights)
    owns = csr_array((np.sqrt(weights[items]), items, indptr), shape=(n_users, n_items))
    shared = (owns @ owns.T).tocsr()
    mass = shared.diagonal()
    named = 0
    for user in range(n_users):
        at = slice(shared.indptr[user], shared.indptr[user + 1])
        other, common = shared.indices[at], shared.data[at]
        alike = common / (mass[user] + mass[other] - common)
        keep = (alike >= 0.1) & (other != user)
        named += len(np.argsort(-alike[keep], kind="stable")[:k])
    return named


def naive_cover(indptr: Any, elements: Any, weights: Any, budget: int) -> list[int]:
    """Greedy that sums the gain of every set anew in every round, vectorised."""
    left, chosen = weights.copy(), []
    for _ in range(budget):
        gains = np.add.reduceat(left[elements], indptr[:-1])
        chosen.append(int(gains.argmax()))
        left[elements[indptr[chosen[-1]] : indptr[chosen[-1] + 1]]] = 0.0
    return chosen


def peers(repeats: int) -> None:
    print("\nThe steps against plain versions of them (seconds, ratio)")
    for name in DATA_SETS:
        indptr, items, n_items, ids = histories(name)
        weights = item_weights(items, n_items, len(ids), "idf")
        ours, _ = best_of(
            repeats, lambda a=(indptr, items, weights): neighbour_graph(*a, threshold=0.1)
        )
        plain, _ = best_of(1, lambda a=(indptr, items, weights): plain_graph(*a, 20))
        print(f"{name:13} neighbours: ours {ours:6.2f}  scipy {plain:6.2f}  {plain / ours:5.1f} x")
        cost, cover = best_of(
            repeats, lambda a=(indptr, items), n=n_items: max_cover(*a, np.ones(n), budget=300)
        )
        slow, chosen = best_of(
            1, lambda a=(indptr, items), n=n_items: naive_cover(*a, np.ones(n), 300)
        )
        same = cover.chosen.tolist() == chosen[: len(cover.chosen)]
        print(
            f"{'':13} cover:      ours {cost:6.3f}  naive {slow:6.3f}  {slow / cost:5.1f} x"
            f"  same sets in the same order: {same}"
        )


def million(n_sets: int, repeats: int) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(5, 16, n_sets)
    rows = np.repeat(np.arange(n_sets), sizes)
    n_elements = n_sets // 5
    drawn = (rng.random(len(rows)) ** 3 * n_elements).astype(np.int64)
    pairs = np.unique(rows * n_elements + drawn)
    rows, elements = pairs // n_elements, pairs % n_elements
    indptr = np.searchsorted(rows, np.arange(n_sets + 1))
    weights = 1 / np.sqrt(1 + np.bincount(elements, minlength=n_elements))
    costs = np.diff(indptr) * 15 + 400
    print(f"\nMax cover alone: {n_sets:,} sets, {len(elements):,} memberships")
    print("budget               chosen     gap  seconds")
    for budget, price in ((300, None), (5_000, None), (50_000, None), (1_000_000, costs)):
        seconds, cover = best_of(
            repeats,
            lambda b=budget, p=price: max_cover(indptr, elements, weights, budget=b, costs=p),
        )
        label = f"{budget:,} {'sets' if price is None else 'tokens'}"
        print(f"{label:18} {len(cover.chosen):8} {cover.gap:7.2%} {seconds:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="synthetic users")
    parser.add_argument("--sets", type=int, default=1_000_000, help="sets of the large cover")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the least counts")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    chosen = parser.parse_args()
    choose_synthetic_users([0, 2, 4], [0, 1, 0, 1], 2, ["a", "b"], count=1)  # compile
    steps = {
        "end-to-end": lambda: end_to_end(chosen.count, chosen.repeats),
        "curve": lambda: curve(200),
        "threshold": options_table,
        "peers": lambda: peers(chosen.repeats),
        "million": lambda: million(chosen.sets, chosen.repeats),
    }
    for name in chosen.tables:
        steps[name]()


if __name__ == "__main__":
    main()
