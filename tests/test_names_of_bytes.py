"""Files and folders whose names are no UTF-8 text are read and written; other values are refused.

Once every argument that was no text was refused, and beneath that lay encoders of the system's, of
SQLite, polars and safetensors that could not open such names.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import cli
from store.console.shell import in_shell
from store.db.location import path_of, path_text
from tests.reading_store import fill

ODD = os.fsdecode(b"d\xff\xe9 '")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ODD
    try:
        made.mkdir()
    except OSError:
        pytest.skip("this file system takes names of UTF-8 text only")
    return made


def profiler(*args: object) -> int:
    return cli.run(cli.profiler_app, "profiler", [str(arg) for arg in args])


def recommender(*args: object) -> int:
    return cli.run(cli.recommender_app, "recommender", [str(arg) for arg in args])


def test_every_command_takes_such_files(folder: Path, capsys: Any) -> None:
    end = os.fsdecode(b"\xfe")
    store = fill(folder / f"s{end}.db")
    for args in (
        ("status", "--store", store),
        ("backup", folder / f"b{end}.db", "--store", store),
        ("restore", folder / f"b{end}.db", "--store", folder / f"r{end}.db"),
        ("verify", "--store", folder / f"r{end}.db"),
        ("export", "--store", store, "--out", folder / f"e{end}", "--format", "parquet"),
        ("export", "--store", store, "--out", folder / f"e{end}"),
        ("datasette", "--store", store, "--out", folder / f"d{end}.json"),
        ("requests", "--store", store, "--out", folder / f"q{end}", "--llm", "openai:m", "--all"),
    ):
        assert profiler(*args) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "\ufffd" in printed
    printed.encode()  # nothing that a terminal could not show
    (folder / "log.csv").write_text("user_id,item_id,timestamp\nu,i,5\n")
    assert profiler("check", folder) == 2  # log.csv is not a name that a folder is looked for
    assert profiler("check", folder / "log.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out)["interactions"] == 1


def test_a_model_in_such_a_folder_is_served(folder: Path, capsys: Any) -> None:
    store = fill(folder / "s.db")
    model = folder / "m"
    how = ("--backbone", "pop", "--align", "none")
    assert recommender("train", "--store", store, "--out", model, *how) == 0
    out = folder / os.fsdecode(b"l\xff.parquet")
    assert recommender("export", model, "--parquet", out) == 0, capsys.readouterr().err
    assert out.stat().st_size


def test_other_values_that_are_no_text_are_refused(folder: Path, capsys: Any) -> None:
    store = fill(folder / "s.db")
    assert profiler("show", os.fsdecode(b"U\xff"), "--store", store) == 2
    assert "is not UTF-8 text" in capsys.readouterr().err
    assert profiler("search", "pen", "--store", store, "--encoder", ODD) == 2
    assert "--encoder" in capsys.readouterr().err


def test_a_path_comes_back_from_its_text(tmp_path: Path) -> None:
    for name in ("plain", "file://x", ODD, "50 %20?"):
        path = tmp_path / name
        text = path_text(path)
        text.encode()
        assert path_of(text) == path


def test_a_command_that_is_proposed_can_be_typed() -> None:
    words = ["a b", ODD, os.fsdecode(b"\xff$(x)`\\'\n")]
    done = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {in_shell(words)}"], capture_output=True, check=True
    )
    assert done.stdout.split(b"\0")[:-1] == [os.fsencode(word) for word in words]
