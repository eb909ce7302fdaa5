"""Kept memory: large blocks no longer come from fresh mappings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import resource, sys
sys.path.insert(0, {root!r})
import torch
from recommender.kernels.memory import keep_memory
kept = keep_memory() if {keep} else False
def touch():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
touch()
print(kept, touch())
"""


def faults(keep: bool) -> tuple[str, int]:
    root = str(Path(__file__).resolve().parents[3])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(root=root, keep=keep)],
        capture_output=True,
        text=True,
        check=True,
    )
    kept, count = done.stdout.split()
    return kept, int(count)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_freed_memory_is_used_again():
    kept, with_it = faults(True)
    _, without = faults(False)
    if kept == "False":
        pytest.skip("the C library is not glibc")
    assert with_it * 10 < without
