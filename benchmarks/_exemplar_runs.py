"""Measurements of ``bench_exemplars.py``, each run in a process of its own."""

from __future__ import annotations

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
    from profiler.selection.affinity import affinity_propagation

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
    from profiler.selection.affinity.messages import DAMPING_SCHEDULE, Candidates, Run
    from profiler.selection.affinity.sparse import SparseMessages

    def steps(vectors):
        begun = time.perf_counter()
        messages = SparseMessages.of(vectors, Candidates.of(len(vectors), None), None)
        graph = time.perf_counter()
        run = Run(damping, 200, 15, DAMPING_SCHEDULE)
        outcome = messages.run(preference, run)
        passed = time.perf_counter()
        from profiler.selection.affinity.messages import finish

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
    from profiler.selection.affinity import solver

    solver._Solver.warm = False
    return measure_choose(n, damping, share, repeats)


def measure_choose(n, damping, share, repeats):
    """The whole choice, search of the preference included."""
    from profiler.selection.exemplars import choose_exemplars

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

    from profiler.selection.affinity import affinity_propagation
    from profiler.vectors.encoding import load_encoder
    from profiler.vectors.histories import history_vectors

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


def child(kind, n, options, preference=None, repeats=1):
    """Run one measurement in a process of its own."""
    settings = json.dumps([kind, n, options.damping, preference, repeats, options.noise])
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
    environment = (
        os.environ | dict.fromkeys(names, str(options.threads)) | {"OMP_WAIT_POLICY": "PASSIVE"}
    )
    done = subprocess.run(
        [sys.executable, __file__, settings],
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


if __name__ == "__main__":
    run_child(sys.argv[1])
