"""What distilling rankings gives a small student, against every control (ALKDRec).

    python benchmarks/bench_alkdrec.py --stores STORES --seeds 5      # Office, the stand-in ranks
    python benchmarks/bench_alkdrec.py --stores STORES --table        # what was measured so far
    python benchmarks/bench_alkdrec.py --stores STORES --cases 60 --llm local:MODEL.gguf

A SASRec of width 64 is the teacher, one of width 10 the student, as published; both are trained to
the end of the same few epochs. For each seed a student is trained, cases are nominated, ranked and
learned; each arm starts from the same student and keeps its best weights on the validation part,
the student's own among them. Recall and NDCG at 10, leave-one-out, all items ranked, on the test
part. Values of each user are kept in STORES/alkdrec, so a run that was stopped goes on.

With ``--llm`` nothing is trained but the teacher: the question is whether a model's order of the
teacher's candidates finds the targets of training cases better than the teacher's own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from _stores import interest_store

from profiler.asking.options import AskingOptions
from profiler.llm.model_options import read_options
from profiler.llm.registry import open_chat
from profiler.rank import rank_cases
from profiler.ranked import RankSettings
from recommender.api import evaluate, train
from recommender.distilling.nominate import nominate
from recommender.experiments.significance import compare_values, mean_of
from recommender.objectives.distil import learning
from store.store import open_store

LENGTH, TEACHER, STUDENT, LARGER = 20, 64, 10, 20
METRICS = ("recall@10", "ndcg@10")
CASES = 500
ON = "the student, trained on without rankings"
ARMS = {
    "stand-in's rankings, paper's cases": ("paper", None),
    "teacher's order, paper's cases": ("paper", "teacher"),
    "stand-in's rankings, random cases": ("random", None),
    "teacher's order, random cases": ("random", "teacher"),
}


def trained(store: Path, folder: Path, width: int, seed: int, epochs: int) -> Path:
    """Folder of a SASRec, trained once."""
    if not (folder / "manifest.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        train(
            store,
            folder,
            backbone="sasrec",
            align=(),
            model={"d": width, "length": LENGTH},
            training={"epochs": epochs, "seed": seed, "patience": epochs, "batch_size": 256},
            progress=False,
        )
    return folder


def told(store: Path, student: Path, out: Path, number: int, source: str | None, seed: int) -> Path:
    """Folder of the student after it learned the rankings of a nomination."""
    if not (out / "manifest.json").exists():
        shutil.rmtree(out, ignore_errors=True)
        settings = learning(source or "offline")
        settings["objective_settings"]["distil"]["nomination"] = number
        settings["training"] |= {"seed": seed, "steps": 200, "patience": 5}
        train(store, out, start_from=student, progress=False, **settings)
    return out


def values(store: Path, model: Path) -> dict[str, Any]:
    """Metrics of each test user."""
    found = evaluate(model, store, ks=(10,), names=("recall", "ndcg"))
    return {name: found.values[name].numpy() for name in METRICS}


def trained_on(store: Path, student: Path, out: Path, seed: int) -> Path:
    """Folder of the student after as many further steps on its own data, without rankings."""
    if not (out / "manifest.json").exists():
        shutil.rmtree(out, ignore_errors=True)
        settings = learning()["training"] | {"seed": seed, "steps": 200, "patience": 5}
        train(store, out, start_from=student, progress=False, training=settings)
    return out


def one_seed(store: Path, folder: Path, teacher: Path, seed: int, epochs: int) -> None:
    """Train, nominate, rank and learn with one seed, where that is not done yet."""
    file = folder / f"seed-{seed}.npz"
    kept = dict(np.load(file)) if file.exists() else {}
    student = trained(store, folder / f"student-{seed}", STUDENT, seed, epochs)

    def add(arm: str, model: Path) -> None:
        found = values(store, model)
        kept.update({f"{arm}|{metric}": each for metric, each in found.items()})
        np.savez(file, **kept)
        print(seed, arm, {m: round(float(v.mean()), 5) for m, v in found.items()}, flush=True)

    def due(arm: str) -> bool:
        return f"{arm}|{METRICS[0]}" not in kept

    if due("student"):
        add("student", student)
    if due(ON):
        add(ON, trained_on(store, student, folder / f"on-{seed}", seed))
    for arm, (policy, source) in ARMS.items():
        if due(arm):
            number = nominate(teacher, store, n=CASES, policy=policy, seed=seed).nomination
            with open_store(store) as opened:
                rank_cases(opened, None, settings=RankSettings(nomination=number))
            out = folder / f"{policy}-{source or 'offline'}-{seed}"
            add(arm, told(store, student, out, number, source, seed))
    wider = f"a student of width {LARGER}"
    if due(wider):
        add(wider, trained(store, folder / f"larger-{seed}", LARGER, seed, epochs))


def table(store: Path, folder: Path, teacher: Path) -> None:
    """Means, and differences to the student with paired 95 % intervals over users and seeds."""
    kept = [np.load(one) for one in sorted(folder.glob("seed-*.npz"))]
    if not kept:
        sys.exit("nothing is measured yet")
    arms = list(dict.fromkeys(name.split("|")[0] for name in kept[0].files))
    arms = [arm for arm in arms if all(f"{arm}|{METRICS[0]}" in one.files for one in kept)]
    results = {arm: {m: np.stack([k[f"{arm}|{m}"] for k in kept]) for m in METRICS} for arm in arms}
    best = values(store, teacher)
    print(f"{len(kept)} seeds, {len(best[METRICS[0]]):,} users")
    print("teacher, width 64 (one seed): ", {m: round(float(v.mean()), 4) for m, v in best.items()})
    for base in (ON, "teacher's order, paper's cases"):
        print(f"\n| | {' | '.join(f'{m} | against {base}' for m in METRICS)} |")
        print("|---|" + "---|---|" * len(METRICS))
        found = {(d.model, d.metric): d for d in compare_values(results, base)}
        for arm in arms:
            cells = []
            for metric in METRICS:
                d = found.get((arm, metric))
                apart = "" if d is None else f"{d.difference:+.4f} ± {d.margin:.4f}, {d.verdict}"
                cells += [f"{mean_of(results[arm][metric]).mean:.4f}", apart]
            print(f"| {arm} | {' | '.join(cells)} |")


def orders(store: Path, teacher: Path, given: argparse.Namespace) -> None:
    """Whether a model's order of the candidates finds more targets than the teacher's."""
    found = nominate(teacher, store, n=given.cases, policy="random", seed=0)
    port = None
    if given.llm is not None:
        port = open_chat(given.llm, options=read_options(given.model_option or []))
    with open_store(store) as opened:
        settings = RankSettings(nomination=found.nomination, sessions=given.sessions)
        ranked = rank_cases(
            opened,
            port,
            settings=settings,
            options=AskingOptions(max_tokens=400, token_budget=given.token_budget, concurrency=1),
            progress=lambda step, done, total: print(step, done, total, flush=True),
        )
        cases = {one.case_id: one for one in opened.cases.load(found.nomination)}
        mine = opened.rankings.load(list(cases), ranked.model)
        print(f"{ranked.model}: {ranked.ranked} of {ranked.cases} ranked, {ranked.quarantined} not")
        for k in (1, 5, 10, 25):
            pairs = np.array(
                [
                    (
                        cases[one.case_id].target_ix in one.items[:k],
                        cases[one.case_id].target_ix in cases[one.case_id].candidates[:k],
                    )
                    for one in mine
                ],
                dtype=float,
            )
            apart = pairs[:, 0] - pairs[:, 1]
            margin = 1.96 * apart.std(ddof=1) / np.sqrt(len(apart))
            print(
                f"target in the first {k}: model {pairs[:, 0].mean():.3f}, teacher "
                f"{pairs[:, 1].mean():.3f}, difference {apart.mean():+.3f} ± {margin:.3f}"
            )


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--stores", type=Path, required=True)
    parser.add_argument("--data", default="office")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--cases", type=int, help="only compare orders, on so many cases")
    parser.add_argument("--llm", help="who ranks them; without it the stand-in")
    parser.add_argument("--model-option", action="append", metavar="NAME=VALUE")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--token-budget", type=int, default=6_000)
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    store = interest_store(given.data, given.stores, split="leave-one-out", source="none")
    folder = given.stores / "alkdrec"
    folder.mkdir(exist_ok=True)
    teacher = trained(store, folder / "teacher", TEACHER, 0, given.epochs)
    if given.cases is not None:
        copied = given.stores / "alkdrec-orders.db"
        if not copied.exists():
            shutil.copy(store, copied)
        orders(copied, teacher, given)
        return
    for seed in range(0 if given.table else given.seeds):
        one_seed(store, folder, teacher, seed, given.epochs)
    table(store, folder, teacher)


if __name__ == "__main__":
    main()
