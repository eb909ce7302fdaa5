"""Exemplars: dense beside scikit-learn, sparse beside dense, centring, and growth.

    python benchmarks/bench_exemplars.py                    # all but the largest
    python benchmarks/bench_exemplars.py --parts dense --sizes 22000
    python benchmarks/bench_exemplars.py --parts growth --million

Every figure is measured in a process of its own, after compiled code was loaded, so that peak
memory is that method's alone. Threads are pinned to --threads in all of them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]


NOISE = 0.8


def planted(n, d=64, seed=0, per=30, noise=None):
    """Unit vectors ``[n, d]`` around n / per centres."""
    import numpy as np

    noise = NOISE if noise is None else noise

    random = np.random.default_rng(seed)
    centres = random.standard_normal((max(3, n // per), d), dtype=np.float32)
    rows = centres[random.integers(len(centres), size=n)]
    rows += np.float32(noise) * random.standard_normal((n, d), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def measure_dense(n, damping, preference, repeats):
    from profiler.exemplars import affinity_propagation

    affinity_propagation(planted(60), None, damping)
    vectors = planted(n)
    return timed(lambda: summary(affinity_propagation(vectors, preference, damping)), repeats)


def measure_sklearn(n, damping, preference, repeats):
    import warnings

    from sklearn.cluster import AffinityPropagation

    warnings.simplefilter("ignore")
    vectors = planted(n)

    def run():
        found = AffinityPropagation(
            damping=damping, preference=preference, random_state=0, copy=False
        ).fit(vectors)
        centres = found.cluster_centers_indices_
        return {"exemplars": [int(c) for c in centres], "iterations": int(found.n_iter_)}

    return timed(run, repeats)


def measure_sparse(n, damping, preference, repeats):
    from profiler.exemplars.messages import DAMPING_SCHEDULE, Candidates, Run
    from profiler.exemplars.sparse import SparseMessages

    def steps(vectors):
        begun = time.perf_counter()
        messages = SparseMessages.of(vectors, Candidates.of(len(vectors), None), None)
        graph = time.perf_counter()
        run = Run(damping, 200, 15, DAMPING_SCHEDULE)
        outcome = messages.run(preference, run)
        passed = time.perf_counter()
        from profiler.exemplars.messages import finish

        result = finish(vectors, messages.candidates, None, preference, outcome)
        ended = time.perf_counter()
        return summary(result) | {
            "graph": graph - begun,
            "messages": passed - graph,
            "joining": ended - passed,
        }

    steps(planted(300))
    vectors = planted(n)
    return timed(lambda: steps(vectors), repeats)


def measure_choose_cold(n, damping, share, repeats):
    """The same with every run of the search from nought."""
    from profiler.exemplars import solver

    solver._Solver.warm = False
    return measure_choose(n, damping, share, repeats)


def measure_choose(n, damping, share, repeats):
    """The whole choice, search of the preference included."""
    from profiler.exemplars import choose_exemplars

    choose_exemplars(planted(300), [str(i) for i in range(300)], method="sparse")
    vectors, ids = planted(n), [f"{i:08d}" for i in range(n)]

    def run():
        found = choose_exemplars(vectors, ids, share=share, center=False, damping=damping)
        return {
            "exemplars": len(found.rows),
            "converged": found.converged,
            "trials": found.settings["trials"],
            "preference": found.settings["preference"],
        }

    return timed(run, repeats)


def measure_centring(n, damping, preference, repeats):
    """ML-1M users by mean title vectors: exemplars at each preference, raw and centred."""
    import numpy as np
    from _data import data_dir

    from profiler.encoding import load_encoder
    from profiler.exemplars import affinity_propagation
    from profiler.histories import history_vectors

    folder = data_dir("ml-1m")
    with gzip.open(folder / "items.tsv.gz", "rt", encoding="utf-8") as file:
        items = list(csv.DictReader(file, delimiter="\t"))
    number = {row["item_id"]: i for i, row in enumerate(items)}
    title_vectors = np.asarray(load_encoder(None).encode([row["title"] for row in items]))
    histories: dict[str, list[int]] = {}
    with gzip.open(folder / "interactions.tsv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            histories.setdefault(row["user_id"], []).append(number[row["item_id"]])
    with gzip.open(folder / "user_split.tsv.gz", "rt", encoding="utf-8") as file:
        train = sorted(
            r["user_id"] for r in csv.DictReader(file, delimiter="\t") if r["split"] == "train"
        )
    indptr = np.concatenate([[0], np.cumsum([len(histories[u]) for u in train])])
    owned = np.concatenate([histories[u] for u in train])
    table = {}
    for name, center in (("raw", False), ("centred", True)):
        vectors = history_vectors(title_vectors, indptr, owned, "mean", center=center)
        runs = []
        for p in (None, -0.5, -1.0, -2.2, -4.0):
            found = affinity_propagation(vectors, p, damping)
            runs.append([found.preference, len(found.exemplars), found.converged, found.damping])
        close = vectors[:2000] @ vectors[:2000].T
        table[name] = {"runs": runs, "mean cosine": float(close.mean()), "users": len(train)}
    return {"seconds": 0.0, **table}


def summary(result):
    return {
        "exemplars": result.exemplars.tolist()
        if len(result.exemplars) < 20_000
        else len(result.exemplars),
        "net": result.net_similarity,
        "iterations": result.iterations,
        "converged": result.converged,
        "damping": result.damping,
        "unsettled": result.unsettled,
    }


def timed(run, repeats):
    best, processor, found = float("inf"), float("inf"), None
    for _ in range(repeats):
        begun, used = time.perf_counter(), time.process_time()
        found = run()
        best = min(best, time.perf_counter() - begun)
        processor = min(processor, time.process_time() - used)
    return {"seconds": best, "cpu": processor, **found}


def child(kind, n, damping=0.5, preference=None, repeats=1, threads=2):
    """Run one measurement in a process of its own."""
    settings = json.dumps([kind, n, damping, preference, repeats, NOISE])
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads)) | {"OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(
        [sys.executable, __file__, "--child", settings],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{kind} at {n}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def run_child(settings):
    global NOISE
    kind, n, damping, preference, repeats, NOISE = json.loads(settings)
    found = globals()[f"measure_{kind}"](n, damping, preference, repeats)
    found["GiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps(found))


def part_dense(options):
    print("\nDense affinity propagation beside scikit-learn (64 d, planted, median preference)")
    print("  wall and processor seconds; on a busy machine only the latter compare")
    print(
        f"{'n':>7} {'ours s':>8} {'cpu':>7} {'sklearn s':>10} {'cpu':>7} {'ratio':>6} {'cpu':>6} "
        f"{'ours GiB':>9} {'sklearn GiB':>12} {'rounds':>7} {'exemplars':>10}  same?"
    )
    for n in options.sizes or (2500, 5000, 10_000):
        repeats = 3 if n <= 5000 else 1
        ours = child("dense", n, options.damping, None, repeats, options.threads)
        line = f"{n:>7} {ours['seconds']:>8.2f} {ours['cpu']:>7.2f} "
        same = "not run"
        if n <= 10_000:
            theirs = child("sklearn", n, options.damping, None, 1, options.threads)
            same = "same" if ours["exemplars"] == theirs["exemplars"] else "DIFFERENT"
            line += f"{theirs['seconds']:>10.2f} {theirs['cpu']:>7.2f} "
            line += f"{theirs['seconds'] / ours['seconds']:>6.1f} "
            line += f"{theirs['cpu'] / ours['cpu']:>6.1f} "
            line += f"{ours['GiB']:>9.2f} {theirs['GiB']:>12.2f} "
        else:
            line += f"{'-':>10} {'-':>7} {'-':>6} {'-':>6} {ours['GiB']:>9.2f} {'-':>12} "
        line += f"{ours['iterations']:>7} {count(ours):>10}  {same}, damping {ours['damping']}"
        rounds = all_rounds(ours, options.damping)
        line += f", {ours['seconds'] / rounds:.3f} s for each of {rounds} rounds in all"
        print(line, flush=True)


def part_sparse(options):
    print("\nSparse (100 neighbours) beside dense (64 d, planted)")
    print(
        f"{'n':>7} {'pref':>6} {'dense s':>8} {'graph s':>8} {'messages s':>11} {'ratio':>6} "
        f"{'rounds alone':>13} {'net apart':>10}  exemplars dense/sparse"
    )
    for n in options.sizes or (3000, 6000, 12_000):
        for preference in (-1.5, -4.0):
            repeats = 2 if n <= 6000 else 1
            dense = child("dense", n, options.damping, preference, repeats, options.threads)
            sparse = child("sparse", n, options.damping, preference, 2, options.threads)
            apart = sparse["net"] / dense["net"] - 1
            print(
                f"{n:>7} {preference:>6} {dense['seconds']:>8.2f} {sparse['graph']:>8.2f} "
                f"{sparse['messages']:>11.2f} {dense['seconds'] / sparse['seconds']:>6.1f} "
                f"{dense['seconds'] / sparse['messages']:>13.1f} {apart:>10.4%}  "
                f"{count(dense)}/{count(sparse)}, damping {dense['damping']}/{sparse['damping']}",
                flush=True,
            )


def part_growth(options):
    print("\nGrowth of the sparse method (64 d, planted, about 30 users a cluster, preference -4)")
    print(
        f"{'n':>9} {'graph s':>8} {'messages s':>11} {'joining s':>10} {'in all s':>9} {'GiB':>6} "
        f"{'rounds':>7} {'exemplars':>10}  settled"
    )
    for n in options.sizes or (10_000, 30_000, 100_000, *((1_000_000,) if options.million else ())):
        found = child("sparse", n, options.damping, -4.0, 1, options.threads)
        print(
            f"{n:>9} {found['graph']:>8.1f} {found['messages']:>11.1f} {found['joining']:>10.1f} "
            f"{found['seconds']:>9.1f} {found['GiB']:>6.2f} {found['iterations']:>7} "
            f"{count(found):>10}  "
            f"{settled(found)} "
            f"at damping {found['damping']}",
            flush=True,
        )


def part_choose(options):
    print("\nThe whole choice, search of the preference included; searching warm and cold")
    print(
        f"{'n':>9} {'share':>6} {'warm s':>7} {'runs':>5} {'cold s':>7} {'runs':>5} {'GiB':>6} "
        f"{'exemplars':>10}  preference"
    )
    for n in options.sizes or (3000, 10_000, 30_000):
        for share in (0.01, 0.03, 0.1):
            warm = child("choose", n, options.damping, share, 3, options.threads)
            cold = child("choose_cold", n, options.damping, share, 3, options.threads)
            print(
                f"{n:>9} {share:>6} {warm['seconds']:>7.2f} {len(warm['trials']):>5} "
                f"{cold['seconds']:>7.2f} {len(cold['trials']):>5} {warm['GiB']:>6.2f} "
                f"{warm['exemplars']:>10}  {warm['preference']:.3f}",
                flush=True,
            )


def part_centring(options):
    found = child("centring", 0, options.damping, None, 1, options.threads)
    print(f"\nCentring: ML-1M, {found['raw']['users']} train users by mean title vectors")
    print(f"{'':>8} {'mean cosine':>12}  exemplars at a preference (None: the median)")
    for name in ("raw", "centred"):
        runs = ", ".join(
            f"{p:.2f}: {k}{'' if c else ' (not settled)'}" for p, k, c, _ in found[name]["runs"]
        )
        print(f"{name:>8} {found[name]['mean cosine']:>12.3f}  {runs}")


def all_rounds(found, damping):
    """Rounds of the last run and of those before it that did not converge."""
    from profiler.exemplars.messages import DAMPING_SCHEDULE, Run

    tries = Run(damping, 200, 15, DAMPING_SCHEDULE).tries()
    return found["iterations"] + sum(limit for used, limit in tries if used < found["damping"])


def settled(found):
    return "all" if found["converged"] else f"all but {found['unsettled']:,} users"


def count(found):
    return found["exemplars"] if isinstance(found["exemplars"], int) else len(found["exemplars"])


PARTS = {
    "dense": part_dense,
    "sparse": part_sparse,
    "centring": part_centring,
    "growth": part_growth,
    "choose": part_choose,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sizes", nargs="+", type=int, help="instead of each part's own")
    parser.add_argument("--damping", type=float, default=0.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--million", action="store_true", help="growth up to 1,000,000 users")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--noise", type=float, default=NOISE, help="around planted centres")
    options = parser.parse_args()
    globals()["NOISE"] = options.noise
    if options.child:
        run_child(options.child)
        return
    begun = time.perf_counter()
    for part in options.parts:
        PARTS[part](options)
    print(f"\n{time.perf_counter() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
