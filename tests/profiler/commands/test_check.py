"""``profiler check`` as it is typed."""

from __future__ import annotations

import json
import os
import shlex
import threading

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
    assert result.stdout.splitlines()[-2:] == [
        "no problems found; nothing was written",
        f"next: profiler build {folder} --store {folder.name}.db",
    ]
    assert files(folder) == before


SHOP = """\ufeffCustomer Ref,SKU,Product Name,Department,Event,Event Time
C1,S1,"Cups, set of 6",Kitchen > Coffee,purchase,2024-07-01T03:04:58+00:00
C1,S2,Garden hose,Garden > Watering,refund,2024-07-01T03:58:56+00:00
C2,S1,,Kitchen > Coffee,purchase,2024-07-01T04:25:18+00:00
C2,S2,Garden hose,Garden > Watering,purchase,2024-07-02T04:25:18+00:00
"""
COLUMNS = (
    "--user-column 'Customer Ref' --item-column SKU --time-column 'Event Time'"
    " --title-column 'Product Name' --categories-column Department"
)


def test_an_export_as_a_shop_has_it_leads_to_the_command_that_builds(run, tmp_path):
    # In 0.1.0: the first missing column alone, and no way to use titles in the rows.
    log = tmp_path / "export.csv"
    log.write_text(SHOP)
    result = run(log)
    assert result.exit_code == 2
    assert "column user_id: there is no such column; did you mean 'Customer Ref'?" in result.stdout
    assert f"read with {COLUMNS}:" in result.stdout
    assert "--keep Event=purchase would keep the first alone" in result.stdout
    assert result.stdout.splitlines()[-1] == (
        f"next: profiler build {log} --store export.db {COLUMNS}"
    )
    result = run(log, *shlex.split(COLUMNS), "--keep", "Event=purchase", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["interactions"], found["items"], found["untitled"]["count"]) == (3, 2, 0)
    assert found["build"].endswith(f"{COLUMNS} --keep Event=purchase")


def test_a_german_spreadsheet(run, tmp_path):
    log = tmp_path / "kunden.csv"
    rows = [f"{n:04};A{n % 3};Gießkanne groß;45,{n:02};3{n % 2}.12.2024 23:59" for n in range(9)]
    text = "\r\n".join(["Kunde;Artikel;Bezeichnung;Größe;Datum", *rows])
    log.write_bytes(text.encode("cp1252"))
    result = run(log)
    assert "semicolons stand between the columns" in result.stdout
    assert "was read as Windows-1252" in result.stdout
    assert "times\t2024-12-30 23:59:00 to 2024-12-31 23:59:00" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(
        "--user-column Kunde --item-column Artikel --time-column Datum --title-column Bezeichnung"
    )


def test_columns_of_texts_are_proposed_where_there_is_no_item_file(run, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,timestamp,Product Name\nu,i,2014-01-31,Pen\n")
    result = run(log)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("--title-column 'Product Name'")


def test_options_are_named_as_a_shell_has_them(run, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("user_id,item_id,timestamp\nu,i,01/02/2014\n")
    result = run(log)
    assert "say which comes first (--date-order)" in result.stdout
    assert run(log, "--date-order", "day-first").exit_code == 0
    result = run(log, "--keep", "event=x")
    assert "column event: there is no such column" in result.stdout


def test_a_pipe_is_read_once(run, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = b"user_id,item_id,timestamp\nu,i,2014-01-31\n"
    writer = threading.Thread(target=lambda: pipe.write_bytes(text))
    writer.start()
    result = run(pipe)
    writer.join()
    assert result.exit_code == 0
    assert "interactions\t1" in result.stdout


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


def test_options_that_check_advises_are_options(run, tmp_path) -> None:
    """The note and the next command once said --minimum, which is the name in Python."""
    path = tmp_path / "ratings.csv"
    rows = "".join(f"u{n},i{n},{1600000000 + n},{1 + n % 5}\n" for n in range(20))
    path.write_text("user_id,item_id,timestamp,rating\n" + rows)
    output = run(path).output
    assert "--min rating=3 would leave them out" in output
    assert "--minimum" not in output
    kept = run(path, "--min", "rating=3").output
    assert "--min rating=3" in kept.splitlines()[-1]
    assert "--minimum" not in kept
