"""What a pipe receives is plain, one row a line, and free of control characters."""

from __future__ import annotations

import json

from store.console import plain, print_json, print_table


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
