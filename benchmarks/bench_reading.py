"""Seconds to read and prepare a data set, against ``pandas.read_csv`` alone on the same file.

Ours reads every column as text, checks each value, reads the item file too, then filters, orders
and splits; pandas only parses the interactions. The ratio is ours, all of it, to pandas.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SETS = ("ml-1m", "amazon-beauty", "amazon-grocery", "amazon-office", "ml-latest-small")


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Minimum of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(name: str, folder: Path, log: Path, separator: str, repeats: int) -> None:
    """Print one line of the table."""
    import pandas as pd

    from store.data.prepare import prepare
    from store.data.readers import read

    raw = read(folder)
    reading = seconds(lambda: read(folder), repeats)
    preparing = seconds(lambda: prepare(raw, filter="once:5"), repeats)
    names = list("uirt") if separator == "::" else None
    engine = "python" if separator == "::" else "c"
    peer = seconds(
        lambda: pd.read_csv(
            log, sep=separator, engine=engine, names=names, header=None if names else 0
        ),
        repeats,
    )
    total = reading + preparing
    print(
        f"{name:<24}{raw.interactions.height:>10,}{reading:>9.2f}{preparing:>10.2f}{total:>8.2f}"
        f"{peer:>10.2f}{total / peer:>8.1f}",
        flush=True,
    )


def as_dat(folder: Path, target: Path) -> Path:
    """Write the interactions in the layout in which GroupLens publishes ML-1M."""
    from store.data.readers import read

    log = read(folder).interactions.select("user_id", "item_id", "timestamp")
    with (target / "ratings.dat").open("w", encoding="latin-1") as file:
        file.writelines(f"{user}::{item}::5::{second}\n" for user, item, second in log.iter_rows())
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", default=SETS, help="data sets [all]")
    parser.add_argument("--repeats", type=int, default=3, help="runs; the fastest counts [3]")
    parser.add_argument("--threads", type=int, default=2, help="threads of polars [2]")
    parser.add_argument("--dat", action="store_true", help="also ML-1M as ratings.dat")
    options = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)

    from benchmarks._data import data_dir
    from store.data.readers.detection import detect

    print(
        f"{'data set':<24}{'rows':>10}{'read s':>9}{'prepare s':>10}{'total':>8}{'pandas s':>10}"
        f"{'ratio':>8}"
    )
    for name in options.sets:
        log = detect(data_dir(name)).interactions
        measure(name, data_dir(name), log, "," if ".csv" in log.name else "\t", options.repeats)
    if options.dat:
        with tempfile.TemporaryDirectory() as target:
            folder = as_dat(data_dir("ml-1m"), Path(target))
            measure("ml-1m as ratings.dat", folder, folder / "ratings.dat", "::", options.repeats)


if __name__ == "__main__":
    main()
