"""Time and memory of every command on made data of any size, each command a process of its own.

Texts are encoded by a model that looks words up, so what is measured is everything but encoding.
``python benchmarks/bench_growth.py --users 300000 --items 50000 --interactions 6000000``
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def run(name: str, args: Sequence[str], log: Path, program: str = "profiler") -> None:
    """Run one command and print its wall time and the peak of its memory."""
    start = time.perf_counter()
    code = f"import sys; from cli import {program}_main; {program}_main()"
    with log.open("a") as stream:
        stream.write(f"$ {program} {' '.join(args)}\n")
        stream.flush()
        process = subprocess.Popen(
            [sys.executable, "-c", code, *args], stdout=stream, stderr=stream, cwd=ROOT
        )
        _, status, usage = os.wait4(process.pid, 0)
    wall, code_ = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
    print(
        f"{name:<26}{wall:>9.1f} s{usage.ru_utime + usage.ru_stime:>9.1f} s CPU"
        f"{usage.ru_maxrss / 2**20:>8.2f} GiB{'' if code_ == 0 else f'   exit {code_}'}",
        flush=True,
    )


def reading(store: Path, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Every command that reads a store."""
    at = ["--store", str(store)]
    yield "status", ["status", *at]
    yield "show", ["show", "u7", *at]
    yield "interests", ["interests", "-k", "20", *at]
    yield "search", ["search", "wooden tent", *at]
    yield "explain", ["explain", "u7", "--item", "i5", *at]
    yield "compare", ["compare", "u7", *at]
    yield "evaluate", ["evaluate", *at]
    yield "exemplars", ["exemplars", *at]
    yield "synthetic-users", ["synthetic-users", *at]
    yield "verify", ["verify", *at]
    yield "export", ["export", "--out", str(folder / "export"), *at]
    yield "report", ["report", "--out", str(folder / "report.html"), *at]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000, help="[10,000]")
    parser.add_argument("--items", type=int, default=5_000, help="[5,000]")
    parser.add_argument("--interactions", type=int, default=200_000, help="[200,000]")
    parser.add_argument("--folder", type=Path, required=True, help="where all is written")
    parser.add_argument("--only", nargs="*", help="names of commands, such as: report exemplars")
    parser.add_argument("--build", nargs="*", default=[], help="more words for profiler build")
    options = parser.parse_args()
    size = (options.users, options.items, options.interactions)
    folder = options.folder / "-".join(map(str, size))
    data, encoder, store = folder / "data", folder / "words", folder / "store.db"
    folder.mkdir(parents=True, exist_ok=True)
    if not encoder.exists():  # apart, so that its memory is not counted with the commands'
        made = "import sys; from benchmarks._growth_data import make; make(sys.argv[1:])"
        words = [str(data), str(encoder), *map(str, size)]
        subprocess.run([sys.executable, "-c", made, *words], check=True, cwd=ROOT)
    log = folder / "log.txt"
    built = ["build", str(data), "--store", str(store), "--encoder", str(encoder), *options.build]
    steps = [("check", ["check", str(data)]), ("build", built), ("build again", built)]
    for name, args in [*steps, *reading(store, folder)]:
        if options.only is None or name in options.only:
            run(name, args, log)


if __name__ == "__main__":
    main()
