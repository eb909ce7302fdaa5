"""Progress without a terminal: a line at once, then one every few seconds, then the end."""

from __future__ import annotations

from store.console import show_progress
from store.console.progress import Lines


def test_lines_come_at_once_then_every_few_seconds_then_at_the_end(capsys) -> None:
    now = 0.0
    lines = Lines(lambda: now)
    for second in range(14):
        now = float(second)
        lines.tell("encoding", second * 100, 1_400)
    lines.tell("encoding", 1_400, 1_400)
    lines.tell("encoding", 1_400, 1_400)
    lines.tell("choosing", 0, 0)
    assert capsys.readouterr().err.splitlines() == [
        "encoding: 0 of 1,400 (0 s)",
        "encoding: 500 of 1,400 (5 s)",
        "encoding: 1,000 of 1,400 (10 s)",
        "encoding: 1,400 of 1,400 (13 s)",
        "choosing (13 s)",
    ]


def test_a_pipe_gets_lines_on_standard_error_only(capsys) -> None:
    with show_progress() as tell:
        tell("reading the data", 0, 0)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "reading the data (0 s)\n"


def test_quiet_is_quiet(capsys) -> None:
    with show_progress(quiet=True) as tell:
        tell("reading the data", 0, 0)
    assert capsys.readouterr().err == ""
