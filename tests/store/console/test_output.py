"""What a pipe receives is plain, one row a line, and free of control characters."""

from __future__ import annotations

import json

from store.console import note, number, output, plain, print_json, print_table, say, shortened


def test_table_in_a_pipe_is_tab_separated(capsys):
    print_table("Users", ["user", "title"], [[1, "a\x1b[31mb\nc"], [2, None]])
    assert capsys.readouterr().out == "user\ttitle\n1\ta [31mb c\n2\t\n"


def test_json_is_one_document_with_unicode_kept(capsys):
    print_json({"title": "Misérables"})
    out = capsys.readouterr().out
    assert "Misérables" in out
    assert json.loads(out) == {"title": "Misérables"}


def test_json_has_null_where_a_figure_is_not_a_number(capsys):
    print_json({"ild@1": float("nan"), "rows": [(1.5, float("inf"))]})
    assert json.loads(capsys.readouterr().out) == {"ild@1": None, "rows": [[1.5, None]]}


def test_plain_removes_direction_overrides():
    assert plain("a\u202eb") == "a b"


HOSTILE = "a\x1b]0;title\x07\x9b31m\u202eb\u2066\u200f\ud800"


def test_every_way_of_printing_is_clean(capsys):
    """A provider's message or a title once coloured, cleared or renamed the terminal."""
    say(HOSTILE)
    note(HOSTILE)
    print_table("", ["x"], [[HOSTILE]])
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert "a ]0;title  31m b" in text
        assert not set(text) & set("\x1b\x07\x9b\u202e\u2066\u200f\ud800")


def test_lines_stay_and_joiners_stay(capsys):
    say("one\n  two\u200d")
    assert capsys.readouterr().out == "one\n  two\u200d\n"


def test_json_escapes_what_steers_a_terminal(capsys):
    document = {"title": HOSTILE, "next": "\x85\u2028"}
    print_json(document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert not set(out) & set("\x1b\x07\x85\x9b\u202e\u2066\u200f\u2028\ud800")


def test_a_line_is_cut_between_words():
    assert shortened("Milk Frothing Pitcher for Latte Art", 30) == "Milk Frothing Pitcher for …"
    assert shortened("short", 30) == "short"


def test_numbers_have_one_style():
    assert [number(1234), number(1234.5, 1), number(None), number(float("nan"))] == [
        "1,234",
        "1,234.5",
        "",
        "–",
    ]


def test_a_terminal_gets_numbers_to_the_right_and_colour_only_where_wanted(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    print_table("", ["name", "users"], [["a", 5], ["b", 12345]])
    lines = capsys.readouterr().out.splitlines()
    places = {line.index("5 │") for line in lines if "12,345" in line or " 5 " in line}
    assert len(places) == 1, lines
    assert output.colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.colours()
