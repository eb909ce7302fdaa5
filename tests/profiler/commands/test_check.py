"""``profiler check`` as it is typed."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from profiler.commands.building.check import check
from store.data.readers import read
from store.errors import DataError


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(check)

    def call(*args):
        return CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)

    return call


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "interactions.csv").write_text("user_id,item_id,timestamp\nu,i,5\nu,j,6\n")
    (tmp_path / "items.csv").write_text("item_id,title\ni,Pen\n")
    return tmp_path


def files(folder):
    return sorted((path.name, path.read_bytes()) for path in folder.iterdir())


def test_good_data(run, folder):
    before = files(folder)
    result = run(folder)
    assert result.exit_code == 0
    assert "interactions\t2" in result.stdout
    assert "items not in the item file (kept)\t1: j" in result.stdout
    assert result.stdout.splitlines()[-1] == "no problems found; nothing was written"
    assert files(folder) == before


def test_bad_data_leave_with_2_and_every_place(run, folder):
    (folder / "items.csv").write_text("item_id,title\ni,Pen\ni,Ink\n")
    result = run(folder)
    assert result.exit_code == 2
    assert "duplicate item id (1):" in result.stdout
    assert "items.csv, row 3, column item_id: item 'i' stands in row 2 already" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 problem: build refuses this source"


def test_json(run, folder):
    (folder / "interactions.csv").write_text("user_id,item_id,timestamp\nu,i,5\nu,j,x\n")
    result = run(folder, "--json")
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert report["interactions"] == 1
    assert report["problem_counts"] == {"unreadable time": 1}
    (problem,) = report["problems"]
    assert (problem["file"], problem["row"], problem["column"], problem["value"]) == (
        "interactions.csv",
        3,
        "timestamp",
        "x",
    )


def test_options_reach_the_reader(run, folder):
    log = folder / "log.txt"
    log.write_text("who\twhat\twhen\nu\ti\t5\n")
    names = ("--user-column", "who", "--item-column", "what", "--time-column", "when")
    result = run(log, "--items", folder / "items.csv", "--format", "tsv", *names)
    assert result.exit_code == 0
    assert "files\tlog.txt, items.csv" in result.stdout
    assert run(log).exit_code == 2


def test_control_characters_never_reach_the_terminal(run, folder):
    (folder / "interactions.csv").write_text("user_id,item_id,timestamp\nu,i,\x1b[31mred\n")
    result = run(folder)
    assert result.exit_code == 2
    assert "\x1b" not in result.stdout


def test_an_absent_source_is_an_error(run, folder):
    with pytest.raises(DataError, match="no such file or folder"):
        run(folder / "none")


def test_real_data(run, shared_data):
    result = run(shared_data / "ml-latest-small")
    assert result.exit_code == 0
    assert "times\t1996-03-29 18:36:55 to 2018-09-24 14:27:30" in result.stdout
    raw = read(shared_data / "ml-latest-small")
    assert f"interactions\t{raw.interactions.height:,}" in result.stdout
