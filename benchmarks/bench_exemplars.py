"""Exemplars: dense beside scikit-learn, sparse beside dense, centring, and growth.

    python benchmarks/bench_exemplars.py                    # all but the largest
    python benchmarks/bench_exemplars.py --parts dense --sizes 22000
    python benchmarks/bench_exemplars.py --parts growth --million

Every figure is measured in a process of its own, after compiled code was loaded, so that peak
memory is that method's alone. Threads are pinned to --threads in all of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from _exemplar_runs import NOISE, child

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]


def part_dense(options):
    print("\nDense affinity propagation beside scikit-learn (64 d, planted, median preference)")
    print("  wall and processor seconds; on a busy machine only the latter compare")
    print(
        f"{'n':>7} {'ours s':>8} {'cpu':>7} {'sklearn s':>10} {'cpu':>7} {'ratio':>6} {'cpu':>6} "
        f"{'ours GiB':>9} {'sklearn GiB':>12} {'rounds':>7} {'exemplars':>10}  same?"
    )
    for n in options.sizes or (2500, 5000, 10_000):
        repeats = 3 if n <= 5000 else 1
        ours = child("dense", n, options, None, repeats)
        line = f"{n:>7} {ours['seconds']:>8.2f} {ours['cpu']:>7.2f} "
        same = "not run"
        if n <= 10_000:
            theirs = child("sklearn", n, options, None, 1)
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
            dense = child("dense", n, options, preference, repeats)
            sparse = child("sparse", n, options, preference, 2)
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
        found = child("sparse", n, options, -4.0, 1)
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
            warm = child("choose", n, options, share, 3)
            cold = child("choose_cold", n, options, share, 3)
            print(
                f"{n:>9} {share:>6} {warm['seconds']:>7.2f} {len(warm['trials']):>5} "
                f"{cold['seconds']:>7.2f} {len(cold['trials']):>5} {warm['GiB']:>6.2f} "
                f"{warm['exemplars']:>10}  {warm['preference']:.3f}",
                flush=True,
            )


def part_centring(options):
    found = child("centring", 0, options, None, 1)
    print(f"\nCentring: ML-1M, {found['raw']['users']} train users by mean title vectors")
    print(f"{'':>8} {'mean cosine':>12}  exemplars at a preference (None: the median)")
    for name in ("raw", "centred"):
        runs = ", ".join(
            f"{p:.2f}: {k}{'' if c else ' (not settled)'}" for p, k, c, _ in found[name]["runs"]
        )
        print(f"{name:>8} {found[name]['mean cosine']:>12.3f}  {runs}")


def all_rounds(found, damping):
    """Rounds of the last run and of those before it that did not converge."""
    from profiler.selection.affinity.messages import DAMPING_SCHEDULE, Run

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
    parser.add_argument("--noise", type=float, default=NOISE, help="around planted centres")
    options = parser.parse_args()
    begun = time.perf_counter()
    for part in options.parts:
        PARTS[part](options)
    print(f"\n{time.perf_counter() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
