"""The source distribution holds the whole project, the wheel what runs, and no build warns."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = {".gitignore"}
BUILD = "import setuptools.build_meta as b, sys; getattr(b, sys.argv[1])(sys.argv[2])"


@pytest.fixture(scope="module")
def tracked() -> set[str]:
    found = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip("not a git checkout")
    return {name for name in found.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tracked: set[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    pytest.importorskip("setuptools")
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("made")
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    said = ""
    for kind in ("build_sdist", "build_wheel"):
        done = subprocess.run(
            [sys.executable, "-I", "-c", BUILD, kind, str(made)],
            cwd=source,
            capture_output=True,
            text=True,
            check=True,
        )
        said += done.stdout + done.stderr
    return made, said


@pytest.mark.slow
def test_the_source_distribution_is_complete(built: tuple[Path, str], tracked: set[str]) -> None:
    """Once it lacked the tests' data, the documents and the constraints."""
    with tarfile.open(next(built[0].glob("*.tar.gz"))) as archive:
        names = {"/".join(one.name.split("/")[1:]) for one in archive if one.isfile()}
    assert tracked - names == LEFT_OUT


@pytest.mark.slow
def test_the_wheel_holds_what_runs(built: tuple[Path, str], tracked: set[str]) -> None:
    rooms = ("store/", "prompts/", "profiler/", "recommender/", "cli.py")
    with zipfile.ZipFile(next(built[0].glob("*.whl"))) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        (facts,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        assert "License-Expression: Apache-2.0" in archive.read(facts).decode()
    sources = "profiler/reporting/frontend/"  # what the page in assets/ is built from
    runs = {name for name in tracked if name.startswith(rooms) and not name.startswith(sources)}
    assert names == runs


@pytest.mark.slow
def test_no_build_warns(built: tuple[Path, str]) -> None:
    assert not [line for line in built[1].splitlines() if "warn" in line.lower()]
