"""Whatever the bytes, nothing is raised but our own errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing.targets import TARGETS, seeds

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
changes = st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=4)), min_size=1, max_size=4)


def harmed(data: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    """Data with a few bytes replaced by others, or by none."""
    for place, new in edits:
        place %= max(1, len(data))
        data = data[:place] + new + data[place + 1 :]
    return data


@pytest.mark.parametrize("name", ["template", "manifest", "answer"])
@settings(max_examples=60)
@given(changes)
def test_harmed_inputs_are_read_or_refused(name: str, edits: list[tuple[int, bytes]]) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)
        TARGETS[name](harmed(seed, edits))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 10)
@pytest.mark.parametrize("name", TARGETS)
def test_atheris_finds_no_other_error(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed: pip install atheris")
    for number, seed in enumerate(seeds(name)):
        (tmp_path / str(number)).write_bytes(seed)
    options = [f"-max_total_time={SECONDS}", "-rss_limit_mb=4096", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzzing.run_atheris", name, str(tmp_path), *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
