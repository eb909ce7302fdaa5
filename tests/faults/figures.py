"""Print the table of docs/reliability.md: ``python -m tests.faults.figures [KILLS] [COMMAND …]``.

Every command that writes is killed KILLS times (12) at random moments of its run, and run on disks
that fill up at five sizes and with a reader that goes away. It takes about ten minutes.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.trials import TRIALS, Trial, Zygote, attempt, kills, prepare

LIMITS = (0, 2_000, 5_000, 40_000, 150_000)


def row(trial: Trial, base: Path, zygote: Zygote, number: int) -> str:
    """Number of kills that met the command at work, of disks that filled up, and of faults."""
    lost: list[str] = []
    met = full = 0
    try:
        done = kills(trial, base, zygote, number, random.Random(trial.name))
        met = sum(one["status"] == -9 for one in done)
    except AssertionError as fault:
        lost.append(str(fault))
    for fault in [*({"limit": limit} for limit in LIMITS), {"closed": True}]:
        try:
            full += attempt(trial, base, zygote, fault)["status"] == 2
        except AssertionError as error:
            lost.append(str(error))
    for one in lost:
        sys.stderr.write(f"{one}\n")
    what = " ".join(trial.argv[:2])
    more = " --llm" if trial.argv[1] == "build" and trial.asks else ""
    more += " --format parquet" if "parquet" in trial.argv else ""
    more += " --overwrite" if "--overwrite" in trial.argv and trial.argv[1] == "train" else ""
    more += " (again)" if "--share" in trial.argv else ""
    return f"| `{what}{more}` | {number} | {met} | {len(LIMITS)} | {full} | {len(lost)} |"


def main() -> int:
    """Print the rows; 1 where anything was lost."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    wanted = sys.argv[2:]
    zygote, started, rows = Zygote(), time.monotonic(), []
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "base"
        prepare(base, zygote)
        for trial in TRIALS:
            if not wanted or trial.argv[1] in wanted:
                rows.append(row(trial, base, zygote, number))
                sys.stdout.write(rows[-1] + "\n")
                sys.stdout.flush()
    zygote.close()
    sys.stderr.write(f"{time.monotonic() - started:.0f} s\n")
    return int(any(not one.endswith("| 0 |") for one in rows))


if __name__ == "__main__":
    sys.exit(main())
