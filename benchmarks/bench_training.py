"""Steps per second of the training loop, beside the bare step on tensors that are ready.

    python benchmarks/bench_training.py                      # REMI at 20 and 50, SASRec at 50
    python benchmarks/bench_training.py --peer 'PYTHON benchmarks/peer_remi.py --checkout REMI \
        --length {length} --threads {threads}' --case 'remi 20' --case 'remi 50'

    python benchmarks/bench_training.py --kernels            # our kernels beside torch's

The bare step is forward, backward and optimiser on batches made beforehand: what no loop can beat.
Both run in turns and the fastest round of each counts, because others use the machine too. A peer
is any command, run in its own environment between our rounds; its last line of output holds its
steps per second, and its fastest round counts too. Data are random histories with the size of
Amazon Beauty: 22,363 users, 12,101 items.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_PROC_BIND", "close")
os.environ.setdefault("OMP_PLACES", "cores")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from _histories import BATCH, ITEMS, random_histories

from recommender.backbones.base import Backbone
from recommender.backbones.create import create
from recommender.data.sequences import Sequences
from recommender.losses.recommendation import Loss, create_loss, encode_rows
from recommender.objectives.routing import RoutingRegularisation
from recommender.training.loop import fit
from recommender.training.settings import Settings
from recommender.training.weights import make_optimiser

CASES = {
    "remi 20": ("remi", 20, "interest-aware", {"negatives": 1280}, "one"),
    "remi 50": ("remi", 50, "interest-aware", {"negatives": 1280}, "one"),
    "sasrec 50": ("sasrec", 50, "sampled", {"negatives": 1280}, "all"),
    "sasrec 50 full": ("sasrec", 50, "full", {}, "all"),
    # what RecBole's SASRec does in a step: one target a row, all items
    "sasrec 50 one": ("sasrec", 50, "full", {}, "one"),
}


def histories(length: int) -> Sequences:
    """Random histories whose mean length is about half the window."""
    indptr, items = random_histories(length)
    return Sequences(ITEMS, indptr, items, np.zeros(len(items), np.int8))


def objectives_of(name: str) -> list[RoutingRegularisation]:
    return [RoutingRegularisation()] if name == "remi" else []


def bare(
    model: Backbone, loss: Loss, sequences: Sequences, positions: str, bf16: bool
) -> Callable[[int], float]:
    """Function: steps → steps per second on ready batches."""
    optimiser = make_optimiser(list(model.parameters()), Settings())
    users = sequences.epoch(0, 0).split(BATCH)[:64]
    sample = sequences.one_target if positions == "one" else sequences.all_targets
    ready = [(sample(part, model.length), loss.draw(ITEMS, torch.device("cpu"))) for part in users]
    objectives = objectives_of(model.name)

    def run(steps: int) -> float:
        started = time.perf_counter()
        for step in range(steps):
            batch, negatives = ready[step % len(ready)]
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                rows, encoded = encode_rows(model, batch, negatives)
                total = loss(rows)
                for objective in objectives:
                    total = total + objective(model, batch, encoded)["routing"]
            optimiser.zero_grad(set_to_none=True)
            total.backward()
            optimiser.step()
        return steps / (time.perf_counter() - started)

    return run


def loop(
    model: Backbone, loss: Loss, sequences: Sequences, positions: str, bf16: bool
) -> Callable[[int], float]:
    """Function: steps → steps per second of the whole loop, its own clock."""

    def run(steps: int) -> float:
        result = fit(
            model.train(),
            sequences,
            loss=loss,
            objectives=objectives_of(model.name),
            evaluator=lambda _: {"recall@50": 0.0},
            settings=Settings(
                epochs=10**6, steps=steps, evaluate_every=10**6, bf16=bf16, positions=positions
            ),
        )
        return result.steps / result.seconds

    return run


def measure(
    case: str, rounds: int, steps: int, bf16: bool, peer: str | None
) -> tuple[float, float, float]:
    """Best rates of the bare step, of the loop and of the peer (0 without one), in turns."""
    name, length, loss_name, setting, positions = CASES[case]
    sequences = histories(length)
    loss = create_loss(loss_name, **setting)
    config = {"length": length, "d": 64}
    runs = (
        bare(create(name, ITEMS, **config).train(), loss, sequences, positions, bf16),
        loop(create(name, ITEMS, **config).train(), loss, sequences, positions, bf16),
    )
    for run in runs:
        run(5)
    best = [0.0, 0.0, 0.0]
    for number in range(rounds):
        for which, run in enumerate(runs):
            best[which] = max(best[which], run(steps))
        if peer and number % max(1, rounds // 2) == 0:
            best[2] = max(best[2], peer_rate(peer, length))
    return best[0], best[1], best[2]


def peer_rate(command: str, length: int) -> float:
    """Steps per second a peer printed on its last line."""
    filled = command.format(length=length, threads=torch.get_num_threads())
    done = subprocess.run(shlex.split(filled), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the peer failed: {filled}\n{done.stderr[-2000:]}")
    return float(done.stdout.strip().splitlines()[-1])


def beside_torch(rounds: int) -> None:
    """Our kernels beside PyTorch's as it comes; but for product and power forward and backward."""
    from torch.nn import functional as F

    from recommender.kernels.dropout import Dropout
    from recommender.kernels.products import fast_float32_products, keeps_float32
    from recommender.kernels.rescaling import rescaled
    from recommender.kernels.softmax import mean_logsumexp

    print(f"our products by {'oneDNN' if keeps_float32() else 'PyTorch as it comes'}")

    def softmaxes(rows: int, k: int, items: int) -> tuple[Callable[[], None], Callable[[], None]]:
        queries = torch.randn(rows, k, 64, requires_grad=True)
        table = (0.1 * torch.randn(items, 64)).requires_grad_()
        targets = torch.randint(items, (rows,))

        def theirs() -> None:
            scores = (queries @ table.T).logsumexp(1) if k > 1 else queries[:, 0] @ table.T
            F.cross_entropy(scores, targets).backward()

        def ours() -> None:
            scores = torch.einsum("nkd,nd->nk", queries, table.index_select(0, targets))
            (mean_logsumexp(queries, table) - scores.logsumexp(1).mean()).backward()

        return theirs, ours

    def dropouts(shape: tuple[int, ...]) -> tuple[Callable[[], None], Callable[[], None]]:
        x, layer = torch.randn(shape, requires_grad=True), Dropout(0.3)
        return lambda: F.dropout(x, 0.3).sum().backward(), lambda: layer(x).sum().backward()

    def lengths(rows: int) -> tuple[Callable[[], None], Callable[[], None]]:
        x = torch.randn(rows, 64, requires_grad=True)
        return (
            lambda: (F.normalize(x, dim=1) * 3).sum().backward(),
            lambda: rescaled(x, 3).sum().backward(),
        )

    left, right = torch.randn(150, 64), torch.randn(64, 3416)
    scores = torch.randn(150, 3416) - 5

    cases = {
        "softmax, 1,280 rows x 2,420 items": softmaxes(1280, 1, 2420),
        "softmax, 1,000 rows x 12,101 items": softmaxes(1000, 1, 12_101),
        "soft read-out, K 4, 1,280 x 2,420": softmaxes(1280, 4, 2420),
        "dropout, 1,280 x 64": dropouts((1280, 64)),
        "dropout, 128 x 50 x 50": dropouts((128, 50, 50)),
        "one length, 11,400 x 64": lengths(11_400),
        "product, 150 x 64 x 3,416": (
            lambda: left @ right,
            fast_float32_products()(lambda: left @ right),
        ),
        "power, 150 x 3,416 scores": (lambda: scores.exp(), lambda: scores.exp2()),
        "power, scores of -100": (lambda: (scores - 95).exp(), lambda: (scores - 95).exp2()),
    }
    print(f"{'kernel':<38}{'torch ms':>10}{'ours ms':>10}{'ratio':>8}")
    for name, pair in cases.items():
        best = [float("inf")] * 2
        for _ in range(rounds):
            for which, run in enumerate(pair):
                run()
                started = time.perf_counter()
                for _ in range(5):
                    run()
                best[which] = min(best[which], (time.perf_counter() - started) / 5)
        print(f"{name:<38}{best[0] * 1e3:>10.2f}{best[1] * 1e3:>10.2f}{best[0] / best[1]:>8.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=100, help="steps of a round")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--case", action="append", choices=list(CASES), help="default: all")
    parser.add_argument(
        "--peer", help="command that prints a rate; {length}, {threads} are filled in"
    )
    parser.add_argument("--kernels", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    if asked.kernels:
        beside_torch(asked.rounds)
        return
    print(f"torch {torch.__version__}, {asked.threads} threads, batch {BATCH}, bf16 {asked.bf16}")
    print(f"{'case':<16}{'bare step/s':>12}{'loop step/s':>12}{'kept':>8}{'peer':>8}{'ratio':>8}")
    for case in asked.case or list(CASES):
        bare_rate, loop_rate, rate = measure(
            case, asked.rounds, asked.steps, asked.bf16, asked.peer
        )
        line = f"{case:<16}{bare_rate:>12.1f}{loop_rate:>12.1f}{loop_rate / bare_rate:>8.1%}"
        if asked.peer:
            line += f"{rate:>8.2f}{loop_rate / rate:>8.1f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
