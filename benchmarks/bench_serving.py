"""Full-ranking evaluation and exact top-k, against faiss in the same run.

    python benchmarks/bench_serving.py [--items 12101 1000000] [--users 22363]

Random vectors of width 64; four interests unless said otherwise. Times are the minimum of several.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def least(work: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=22_363)
    parser.add_argument("--catalogue", type=int, default=12_101)
    parser.add_argument("--items", type=int, nargs="+", default=[12_101, 1_000_000])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    import torch

    torch.set_num_threads(options.threads)
    print(f"{options.threads} threads, width 64")
    evaluation(options.users, options.catalogue)
    for items in options.items:
        serving(items)


def evaluation(users: int, items: int) -> None:
    """Rank, look up hits and compute all metrics, as ``recommender evaluate`` does."""
    import numpy as np

    from recommender.backbones.create import create
    from recommender.data.sequences import Sequences
    from recommender.evaluation.metrics import DEFAULT
    from recommender.evaluation.ranking import measure, scorer_of
    from store.data.dataset import Dataset
    from store.data.splits import Split, leave_one_out

    rng = np.random.default_rng(0)
    indptr = np.arange(users + 1, dtype=np.int64) * 9
    log = rng.integers(0, items, users * 9).astype(np.int32)
    ids = [str(i) for i in range(max(users, items))]
    data = Dataset(
        ids[:users], ids[:items], [None] * items, [()] * items, indptr, log,
        np.zeros(len(log), dtype=np.int64), leave_one_out(indptr), np.zeros(users, dtype=np.int8),
        Split("leave-one-out"),
    )  # fmt: skip
    cases = Sequences.from_dataset(data).eval_histories("test", 20)
    for name in ("sasrec", "remi"):
        model = create(name, items, length=20).eval()

        def work(model: object = model) -> object:
            return measure(
                scorer_of(model), cases, data, part="test", ks=[10, 20, 50], names=DEFAULT,
                keep_seen=False,
            )  # fmt: skip

        seconds = least(work, 2)
        print(
            f"evaluate {users:,} users x {items:,} items, {name} (K = {model.k}): {seconds:.2f} s"
        )


def serving(items: int) -> None:
    """Best 50 of one user with four interests: ours, and faiss Flat with pooled interests."""
    import faiss
    import torch

    from recommender.serving.top_k import top_k

    faiss.omp_set_num_threads(torch.get_num_threads())
    table = torch.randn(items + 1, 64)
    interests = torch.randn(1, 4, 64)
    index = faiss.IndexFlatIP(64)
    index.add(table[1:].numpy())
    query = interests[0].numpy()
    ours = least(lambda: top_k(interests, table, 50), 20)
    theirs = least(lambda: index.search(query, 50), 20)
    print(
        f"top 50 of {items:,} items, 4 interests: {ours * 1e3:.2f} ms; faiss Flat (pooling not "
        f"counted) {theirs * 1e3:.2f} ms; ratio {ours / theirs:.2f}"
    )


if __name__ == "__main__":
    main()
