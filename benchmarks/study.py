"""The quality study behind two pages of docs/: train what is missing, fill their tables.

    python benchmarks/study.py left                      # what is not trained yet
    python benchmarks/study.py run --tables office-remi  # train it (Ctrl-C; run goes on)
    python benchmarks/study.py tables                    # write the tables and the runs file

The plan, study.toml, names every table and model. A whole study is some 40 hours on one core;
--workers runs that many trainings at a time, each on one thread. With --new, left and run take only
what quality_runs.tsv does not list yet. A table is written where the values of every listed run are
at hand, in the work folder or in quality_users/, and else left as it is.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGES = [ROOT / "docs" / name for name in ("recommender-tables.md", "benchmarks.md")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["left", "run", "tables"])
    parser.add_argument("--tables", nargs="+", help="only these; without, all of the plan")
    parser.add_argument("--seeds", type=int, help="at most so many seeds of each")
    parser.add_argument("--new", action="store_true", help="only runs never listed yet")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("bench-study"))
    options = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

    from _study import listed_runs, read_plan

    tables = read_plan()
    unknown = set(options.tables or ()) - {table.name for table in tables}
    if unknown:
        parser.error(
            f"no table {', '.join(sorted(unknown))}; the plan has "
            f"{', '.join(table.name for table in tables)}"
        )
    chosen = [table for table in tables if not options.tables or table.name in options.tables]
    if options.what == "tables":
        write_tables(chosen, options.work)
        return
    most = options.seeds or sys.maxsize
    wanted = [run for table in chosen for run in table.runs() if run.seed < most]
    known = listed_runs() if options.new else {}
    left = [run for run in dict.fromkeys(wanted) if not (run.done(options.work) or run in known)]
    print(f"{len(set(wanted))} runs, {len(left)} not done yet")
    if options.what == "left":
        if hasattr(signal, "SIGPIPE"):  # so that "left | head" ends like any other filter
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        for run in left:
            print(f"  {run.data} {run.split} {run.source} {run.model} seed {run.seed}")
        return
    train_all(left, options.work, options.workers)


def write_tables(tables: list, work: Path) -> None:
    from _study import RUNS, keep_users, listed_runs, results
    from _study_tables import fill, lacking, mark, runs_file

    RUNS.write_text(runs_file(results(work), listed_runs()), "utf-8")
    keep_users(tables, work)
    whole = []
    for table in tables:
        if gone := len(lacking(table, work)):
            print(f"{table.name}: left as it is, no values of {gone} runs are at hand")
        else:
            whole.append(table)
    for page in PAGES:
        text = page.read_text("utf-8")
        page.write_text(fill(text, [t for t in whole if mark(t) in text], work), "utf-8")


def train_all(left: list, work: Path, workers: int) -> None:
    from _study import carry_out, store_of

    for run in left:  # before the workers start: two must not make one store
        store_of(run, work)
    pool = ProcessPoolExecutor(workers)
    try:
        waiting = [pool.submit(carry_out, run, work) for run in left]
        for number, future in enumerate(as_completed(waiting), 1):
            print(f"{number}/{len(left)} {future.result()}", flush=True)
    except KeyboardInterrupt:
        print("stopped; what is done is kept", file=sys.stderr)
        sys.exit(3)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


if __name__ == "__main__":
    main()
