"""The production service under load: p50, p99 and answers a second, beside a bare faiss look-up.

    nice -n 19 python benchmarks/bench_serve.py             # 50,000 items, 1, 8 and 32 clients
    nice -n 19 python benchmarks/bench_serve.py --items 200000 --seconds 20

``recommender serve`` runs in a process of its own with a REMI model of random weights, which costs
what a trained one costs; clients ask it over loopback for ten items of raw histories, each on a
connection that stays open, for a bounded time. The peer in the same run is faiss without any
service: the vectors of the same histories, encoded before, against a Flat index of the same items,
one by one and 64 at a time. Processor time is that of the server's process, or of the look-ups: it
says what an answer costs where other programs keep the machine busy.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
import psutil
import torch

from recommender.backbones.create import create
from recommender.model_folder.artefacts import save_model
from recommender.model_folder.manifest import Manifest
from recommender.serving.top_k import pad_histories
from store.digests import json_digest

ROOT = Path(__file__).resolve().parent.parent
K = 10


def make_model(folder: Path, items: int) -> torch.nn.Module:
    """A model folder with random weights."""
    model = create("remi", items, seed=0).eval()
    ids = [f"i{number}" for number in range(items)]
    manifest = Manifest(
        backbone="remi",
        config=model.config.model_dump(mode="json"),
        n_items=items,
        items_digest=json_digest(ids),
        dataset_digest="none",
        split="none",
    )
    save_model(folder, model, manifest, ids)
    return model


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """The port that the service listens on, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = ["from cli import recommender_main; recommender_main()", "serve", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-c", *command, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as server:
        try:
            assert server.stdout is not None
            server.stdout.readline()
            yield port, psutil.Process(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


def load(port: int, bodies: list[bytes], clients: int, seconds: float) -> list[float]:
    """Seconds of every answer while ``clients`` ask as fast as they are answered."""
    ends, took = time.perf_counter() + seconds, [[] for _ in range(clients)]

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        turn = number
        while time.perf_counter() < ends:
            started = time.perf_counter()
            headers = {"Content-Type": "application/json"}
            connection.request("POST", "/v1/recommend", bodies[turn % len(bodies)], headers)
            answer = connection.getresponse()
            content = answer.read()
            took[number].append(time.perf_counter() - started)
            if answer.status != 200:
                raise RuntimeError(content[:200])
            turn += clients
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for each in took for one in each]


def bare(
    model: torch.nn.Module, histories: list[np.ndarray], batch: int
) -> tuple[list[float], float]:
    """Seconds of each look-up in a faiss index, ``batch`` at a time, and of the processor."""
    index = faiss.IndexFlatIP(model.d)
    index.add(model.item_embeddings()[1:].detach().float().contiguous().numpy())
    with torch.inference_mode():
        encoded = model(pad_histories(histories, model.length)[0]).interests.float().numpy()
    took, before = [], time.process_time()
    for start in range(0, len(encoded) - batch + 1, batch):
        queries = np.ascontiguousarray(encoded[start : start + batch].reshape(-1, model.d))
        started = time.perf_counter()
        index.search(queries, K)
        took.append(time.perf_counter() - started)
    return took, time.process_time() - before


def row(name: str, took: list[float], answers: int, seconds: float, processor: float) -> str:
    p50, p99 = np.percentile(np.array(took) * 1_000, [50, 99])
    cost = processor / answers * 1_000
    return f"| {name} | {p50:.1f} | {p99:.1f} | {answers / seconds:,.0f} | {cost:.2f} |"


def used(process: psutil.Process) -> float:
    """Seconds of the processor that a process has taken."""
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=8.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    rng = np.random.default_rng(0)
    histories = [rng.integers(0, given.items, 20) for _ in range(512)]
    bodies = [
        json.dumps({"history": [f"i{item}" for item in one], "k": K}).encode() for one in histories
    ]
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder) / "model", given.items)
        print(f"{given.items:,} items, d {model.d}, {model.k} interests, top {K}")
        print("| | p50 ms | p99 ms | answers a second | processor ms an answer |")
        print("|---|---|---|---|---|")
        for batch in (1, 64):
            took, processor = bare(model, histories, batch)
            name = f"faiss alone, {batch} at a time"
            print(row(name, took, batch * len(took), sum(took), processor), flush=True)
        with serving(Path(folder) / "model") as (port, process):
            load(port, bodies, 4, 1.0)
            for clients in given.clients:
                started, before = time.perf_counter(), used(process)
                took = load(port, bodies, clients, given.seconds)
                seconds, processor = time.perf_counter() - started, used(process) - before
                name = f"service, {clients} clients"
                print(row(name, took, len(took), seconds, processor), flush=True)


if __name__ == "__main__":
    main()
