"""Titles encoded per second, by this program and by sentence-transformers' own encode.

    python benchmarks/bench_encoding.py --titles 2000 --rounds 2

Both read the same seeded sample of Amazon Beauty titles in one process, in turns; the best of the
rounds counts. The third column is the lowest cosine of any title to the library's float32 vector.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from _data import data_dir
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from profiler.vectors.encoding import load_encoder


def sample(n: int, seed: int) -> list[str]:
    with gzip.open(data_dir("amazon-beauty") / "items.tsv.gz", "rt", encoding="utf-8") as stream:
        rows = [line.rstrip("\n").split("\t") for line in stream][1:]
    titles = [row[1] for row in rows if len(row) > 1 and row[1]]
    picked = np.random.default_rng(seed).permutation(len(titles))[:n]
    return [titles[row] for row in picked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    titles = sample(options.titles, options.seed)
    half, full = load_encoder(precision="bf16"), load_encoder(precision="fp32")
    library: SentenceTransformer = full.model
    ways: dict[str, Callable[[], NDArray[np.float32]]] = {
        "library default": lambda: library.encode(titles, normalize_embeddings=True),
        "ours, fp32": lambda: full.encode(titles),
        "ours, bf16": lambda: half.encode(titles),
    }
    library.encode(titles[:64]), full.encode(titles[:64]), half.encode(titles[:64])
    best = dict.fromkeys(ways, float("inf"))
    vectors = {}
    for _ in range(options.rounds):
        for name, encode in ways.items():
            start = time.perf_counter()
            vectors[name] = encode()
            best[name] = min(best[name], time.perf_counter() - start)
    reference = vectors["library default"]
    print(f"{len(titles)} titles, {options.threads} threads, best of {options.rounds}")
    print(f"{'':18s}{'titles/s':>10s}{'ratio':>8s}{'lowest cosine':>16s}{'mean cosine':>14s}")
    for name, seconds in best.items():
        cosine = (vectors[name] * reference).sum(axis=1)
        ratio = best["library default"] / seconds
        print(
            f"{name:18s}{len(titles) / seconds:10.0f}{ratio:8.2f}"
            f"{cosine.min():16.6f}{cosine.mean():14.6f}"
        )


if __name__ == "__main__":
    main()
