"""Exit codes and plain messages of the two programs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import typer

import cli
import store.db.engine
from store.errors import BudgetReachedError, ProviderRefusedError, StoreError

ROOT = Path(__file__).resolve().parent.parent


def program(error: BaseException | None, result: int | None = None):
    def make(only: str | None) -> typer.Typer:
        app = typer.Typer(pretty_exceptions_enable=False)

        @app.command()
        def work() -> int | None:
            if error is not None:
                raise error
            return result

        return app

    return make


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreError("no store at x.db"), 2),
        (KeyboardInterrupt(), 3),
        (BudgetReachedError("cap of 3 calls"), 4),
        (ProviderRefusedError("key refused"), 5),
    ],
)
def test_exit_codes(error: BaseException, code: int, capsys) -> None:
    assert cli.run(program(error), "profiler", []) == code
    said = capsys.readouterr().err
    assert said.startswith("profiler: ")
    assert "Traceback" not in said


def test_the_code_of_a_command_is_passed_on() -> None:
    assert cli.run(program(None), "profiler", []) == 0
    assert cli.run(program(None, 1), "profiler", []) == 1


@pytest.mark.parametrize("name", cli.PROFILER)
def test_help_of_every_profiler_command(name: str, capsys) -> None:
    assert cli.run(cli.profiler_app, "profiler", [name, "--help"]) == 0
    assert "Usage: profiler" in capsys.readouterr().out


@pytest.mark.parametrize("name", cli.RECOMMENDER)
def test_help_of_every_recommender_command(name: str, capsys) -> None:
    assert cli.run(cli.recommender_app, "recommender", [name, "--help"]) == 0
    assert "Usage: recommender" in capsys.readouterr().out


def test_a_wrong_command_is_named(capsys) -> None:
    assert cli.run(cli.profiler_app, "profiler", ["buidl"]) == 2
    assert "build" in capsys.readouterr().err


def test_a_store_that_another_program_writes_to_is_one_plain_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    path = tmp_path / "s.db"
    with store.open_store(path, create=True):
        pass
    monkeypatch.setattr("store.db.engine.BUSY_TIMEOUT_MS", 20)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert cli.run(cli.profiler_app, "profiler", ["undo", "--store", str(path)]) == 2
    said = capsys.readouterr().err
    assert said == ("profiler: another program writes to the store; try again later\n")


def test_a_sign_that_the_locale_lacks_is_replaced() -> None:
    code = "import cli, typer; a = typer.Typer(); a.command()(lambda: print('1 ± 2')); "
    done = subprocess.run(
        [sys.executable, "-c", code + "cli.run(lambda only: a, 'p', [])"],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 ? 2\n"
