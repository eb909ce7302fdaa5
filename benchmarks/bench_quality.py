"""What alignment with the LLM's interests is worth: models × seeds on a real data set.

    python benchmarks/bench_quality.py --data office --models remi remi+eimf --seeds 3
    python benchmarks/bench_quality.py --models remi remi+eimf remi+eimf:eimf.predict=false

Trains each model with each seed on the data set's user split (8:1:1, seen items kept) or another
split, measures all on the same test users and prints means, 95 % intervals and paired differences
with Holm's correction. Trained models are kept in --work and used again, so two processes may train
different models of one table at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="office", help="office, beauty, ml-1m, grocery")
    parser.add_argument("--split", default="given", help="given, leave-one-out, time:DATE")
    parser.add_argument("--models", nargs="+", default=["remi", "remi+eimf"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--metrics", default="recall@20,recall@50,ndcg@20,ndcg@50,hr@50")
    parser.add_argument("--source", default="llm", help="interests of llm, offline or none")
    parser.add_argument("--interests", default="exemplar", help="exemplar or catalogue")
    parser.add_argument("--where", action="store_true", help="by rarity and history length too")
    parser.add_argument("--set", nargs="*", default=[], metavar="PART.NAME=VALUE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("bench-quality"))
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))

    import torch
    from _stores import interest_store

    from recommender.experiments.compare import compare
    from recommender.recipes.specs import split_settings
    from recommender.text import comparison_tables
    from store.console import print_table

    torch.set_num_threads(options.threads)
    store = interest_store(options.data, options.work, options.split, options.source)
    settings = split_settings(options.set)
    started = time.perf_counter()
    found = compare(
        store,
        options.models,
        options.work / store.stem,
        seeds=range(options.seed, options.seed + options.seeds),
        metrics=options.metrics.split(","),
        settings={**settings, "interests": options.interests},
        where=options.where,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(
        f"{options.data}, split {options.split}, interests {options.source}: "
        f"{found.protocol['users']:,} test users, seen "
        f"items {found.protocol['seen_items']}, {options.seeds} seeds, "
        f"{time.perf_counter() - started:.0f} s"
    )
    for title, headers, rows in comparison_tables(found):
        print_table(title, headers, rows)


if __name__ == "__main__":
    main()
