"""Whatever goes wrong is one plain line and an exit code that says what kind it is."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from store.console.exits import INTERNAL, run
from store.errors import BudgetReachedError, StoreError

ROOT = Path(__file__).resolve().parents[3]


def program(work: Any) -> Any:
    def make() -> typer.Typer:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.command()(work)
        return app

    return make


def raising(error: BaseException) -> Any:
    def work() -> None:
        raise error

    return program(work)


def of_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("some words")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (KeyError("x"), INTERNAL, "internal error at console/test_exits.py"),
        (RecursionError("deep"), INTERNAL, "RecursionError: deep"),
        (MemoryError(), 2, "out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"), 2, "out of mem"),
        (OSError(errno.ENOSPC, "No space left on device", "x.db"), 2, "x.db: no space left"),
        (PermissionError(errno.EACCES, "Permission denied", "/root"), 2, "/root: permission d"),
        (of_sqlite(sqlite3.SQLITE_FULL), 2, "the disk is full"),
        (of_sqlite(sqlite3.SQLITE_READONLY), 2, "read-only"),
        (StoreError("no user '\x1b[31m\u202ered'"), 2, "no user ' [31m red'"),
    ],
)
def test_errors_are_one_line(error: BaseException, code: int, told: str, capsys: Any) -> None:
    """An uncaught error once left with 1, which means that some subjects are quarantined."""
    assert run(raising(error), "profiler", []) == code
    said = capsys.readouterr().err
    assert said.startswith("profiler: ")
    assert told in said
    assert said.count("\n") == 1


def test_debug_shows_the_trace_wherever_it_stands(capsys: Any) -> None:
    def work(word: str) -> None:
        raise KeyError(word)

    assert run(program(work), "profiler", ["x", "--debug"]) == INTERNAL
    assert "Traceback" in capsys.readouterr().err
    assert run(program(work), "profiler", ["--", "--debug"]) == INTERNAL
    assert "Traceback" not in capsys.readouterr().err


SLEEP = """
import sys, time
from pathlib import Path
import typer
from store.console.exits import run
def work() -> None:
    Path("begun").touch()
    time.sleep(30)
app = typer.Typer()
app.command()(work)
sys.exit(run(lambda: app, "profiler", []))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_stop_a_command_as_ctrl_c_does(number: signal.Signals, tmp_path: Path) -> None:
    """SIGTERM once killed a training and its best model, SIGHUP a paid build."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("the tests were started with this signal ignored, as nohup does")
    child = subprocess.Popen(
        [sys.executable, "-c", SLEEP],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "begun").exists():
        time.sleep(0.05)
    child.send_signal(number)
    _, said = child.communicate(timeout=20)
    assert child.returncode == 3
    assert said == "profiler: stopped; what was finished is kept, run it again to resume\n"


def shell(script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", script],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


WRITES = (
    "import sys, typer; from pathlib import Path; from store.console import say; "
    "from store.console.exits import run; a = typer.Typer(); "
    "a.command()(lambda: (Path('made').open('w').write('made'), say('printed')) and None); "
    "sys.exit(run(lambda: a, 'p', []))"
)


def test_closed_streams_do_not_lend_their_numbers_to_files(tmp_path: Path) -> None:
    """With standard output closed, the first file opened once got what was printed."""
    done = shell(f'"$PYTHON" -c "{WRITES}" >&- 2>&- <&-', tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "made").read_text() == "made"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_is_full_is_one_line(tmp_path: Path) -> None:
    done = shell(f'"$PYTHON" -c "{WRITES}" >/dev/full', tmp_path)
    assert done.returncode == 2
    assert done.stderr == "p: no space left on device\n"


def test_a_pipe_that_ends_early_is_no_error(tmp_path: Path) -> None:
    many = WRITES.replace("say('printed')", "[say('printed') for _ in range(99999)]")
    done = shell(f'("$PYTHON" -c "{many}"; echo $? >code) | head -1', tmp_path)
    assert done.stderr == ""
    assert (tmp_path / "code").read_text() == "0\n"


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (StoreError("no store"), {"kind": "store", "message": "no store", "exit_code": 2}),
        (BudgetReachedError("a cap"), {"kind": "budget", "message": "a cap", "exit_code": 4}),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x\x1b[31m"),
            {"kind": "machine", "message": "/x\x1b[31m: permission denied", "exit_code": 2},
        ),
    ],
)
def test_errors_are_json_where_json_was_asked_for(
    error: Exception, facts: dict[str, Any], capsys: Any
) -> None:
    """Once a program that asked for JSON got a plain line."""

    def work(json: bool = False) -> None:
        raise error

    assert run(program(work), "profiler", ["--json"]) == facts["exit_code"]
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "\x1b" not in said.err
    assert json.loads(said.err) == {"error": facts}


def test_a_wrong_option_is_json_as_well(capsys: Any) -> None:
    def work(json: bool = False) -> None:
        pass

    assert run(program(work), "profiler", ["--nosuch", "--json"]) == 2
    told = json.loads(capsys.readouterr().err)["error"]
    assert (told["kind"], told["see"]) == ("usage", "profiler -h")
    assert "no option --nosuch" in told["message"]
    assert run(program(work), "profiler", ["--", "--json"]) == 2
    assert capsys.readouterr().err.startswith("profiler: ")
