"""Another distribution's package, or a user's own file, in the place of ours is said plainly."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from store.installation import PACKAGES, ROOT, problems

START = "import sys; from recommender._entry import profiler_main; sys.argv[1:] = ['--version']; "


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed packages, as pip leaves it."""
    folder = tmp_path_factory.mktemp("site-packages")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cli.py", folder)
    return folder


def start(*path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    found = os.pathsep.join(str(one) for one in path)
    return subprocess.run(
        [sys.executable, "-P", "-c", START + "profiler_main()"],
        env=os.environ | {"PYTHONPATH": found},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_here_everything_is_ours() -> None:
    assert problems() == []


def test_a_users_own_cli_is_not_run(installed: Path, tmp_path: Path) -> None:
    """Once it was: the console scripts imported whichever ``cli`` came first."""
    (tmp_path / "cli.py").write_text("raise SystemExit('the wrong one')")
    done = start(tmp_path, installed, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("interest-profiler ")


def test_a_users_own_package_is_named(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text("raise SystemExit('the wrong one')")
    done = start(tmp_path, installed, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path / 'store.py'} stands before our 'store'; rename it" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["store", "profiler"])
def test_another_distribution_that_wrote_over_ours_is_named(
    installed: Path, tmp_path: Path, name: str
) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed, site)
    (site / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    facts = site / f"{name}-9.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-of-others\nVersion: 9\n")
    (facts / "top_level.txt").write_text(f"{name}\n")
    done = start(site, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{name}-of-others wrote over our '{name}'" in done.stderr.replace(
        "interest-profiler, ", ""
    )
    assert "virtual environment of its own" in done.stderr
