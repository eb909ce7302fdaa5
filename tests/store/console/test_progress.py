"""Progress without a terminal: a line at once, then one every few seconds, then the end."""

from __future__ import annotations

from store.console import show_progress
from store.console.progress import Lines, shown


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


def test_a_step_that_tells_nothing_is_repeated_every_few_seconds(capsys) -> None:
    # Made by a minute of silence while an encoder was loaded.
    now = 0.0
    lines = Lines(lambda: now)
    lines.beat()
    lines.tell("ranking", 0, 0)
    for second in range(12):
        now = float(second)
        lines.beat()
    lines.tell("done", 1, 1)
    now = 30.0
    lines.beat()
    assert capsys.readouterr().err.splitlines() == [
        "ranking (0 s)",
        "ranking (5 s)",
        "ranking (10 s)",
        "done: 1 of 1 (11 s)",
    ]


def test_progress_of_a_function_is_shown_handed_on_or_left_out(capsys) -> None:
    told = []
    with shown(lambda *news: told.append(news)) as tell:
        tell("a", 1, 2)
    with shown(False) as tell:
        tell("b", 1, 2)
    with shown(True) as tell:
        tell("c", 1, 2)
    assert told == [("a", 1, 2)]
    assert capsys.readouterr().err == "c: 1 of 2 (0 s)\n"


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
