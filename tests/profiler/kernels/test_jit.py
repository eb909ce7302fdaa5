"""Kernels compile where nothing can be written beside them, and by one module's decorators only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = (
    "import sys, cli; "
    "sys.exit(cli.run(cli.profiler_app, 'profiler', ['sample', 'shop', '--users', '40']) "
    "or cli.run(cli.profiler_app, 'profiler', ['build', 'shop', '--store', 's.db']))"
)


def test_no_module_compiles_by_itself() -> None:
    """Eighteen bare ``njit(cache=True)`` once made a read-only installation unusable."""
    bare = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "profiler").rglob("*.py")
        if "njit" in path.read_text("utf-8") and path.name != "jit.py"
    ]
    assert not bare


@pytest.mark.slow
def test_a_read_only_installation_builds_without_a_home(tmp_path: Path) -> None:
    """Nothing can be cached, for root neither: a file stands where each cache folder would be."""
    installed, work = tmp_path / "installed", tmp_path / "work"
    for room in ("store", "prompts", "profiler", "recommender"):
        shutil.copytree(ROOT / room, installed / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cli.py", installed)
    for folder in [installed, *(one for one in installed.rglob("*") if one.is_dir())]:
        (folder / "__pycache__").write_text("no folder")
    work.mkdir()
    before = set(installed.rglob("*"))
    unwritable = {"HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/none"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", BUILD],
        env=os.environ | unwritable | {"PYTHONPATH": str(installed)},
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "exemplars" in done.stdout
    assert set(installed.rglob("*")) == before
