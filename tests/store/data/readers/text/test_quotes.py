"""Quotes in separated text: no stray quote takes rows with it unsaid."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.data.readers import ReadOptions, read
from store.data.readers.text.records import quotes_are_regular, split_quoted

HEADER = "user_id,item_id,timestamp,comment\n"
SECOND = 1391126400


def log(comments, header=HEADER, mark=",") -> str:
    rows = [f"u{n},i{n},{SECOND + n},{text}\n" for n, text in enumerate(comments)]
    return (header + "".join(rows)).replace(",", mark) if mark != "," else header + "".join(rows)


def reading(tmp_path: Path, text: str, name: str = "log.csv", **options):
    path = tmp_path / name
    path.write_text(text, newline="")
    return read(path, ReadOptions(**options))


def broken(raw) -> list[int | None]:
    return [problem.row for problem in raw.problems]


@pytest.mark.parametrize("place", [0, 1, 500, 998, 999])
def test_a_quote_that_never_closes_costs_its_own_row(tmp_path, place):
    # 0.1.0 read 101 of 1,000 rows and found no problem.
    comments = ["ok"] * 1000
    comments[place] = '"best ever'
    raw = reading(tmp_path, log(comments))
    assert (raw.interactions.height, broken(raw)) == (999, [place + 2])
    assert "a quote opens a field and is not closed" in raw.problems[0].message


def test_a_quote_that_a_later_one_closes(tmp_path):
    comments = ["ok"] * 50
    comments[10], comments[40] = '"best ever', 'a 24"'
    raw = reading(tmp_path, log(comments))
    assert (raw.interactions.height, broken(raw)) == (49, [12])
    assert "lines which look like rows" in raw.problems[0].message


def test_two_stray_quotes_name_both_rows(tmp_path):
    comments = ["ok"] * 50
    comments[10], comments[40] = '"best ever', '"worst ever'
    assert broken(reading(tmp_path, log(comments))) == [12, 42]


@pytest.mark.parametrize("column", range(4))
def test_in_any_column(tmp_path, column):
    rows = [["u", "i", str(SECOND), "ok"] for _ in range(9)]
    rows[4][column] = '"' + rows[4][column]
    text = HEADER + "".join(",".join(row) + "\n" for row in rows)
    raw = reading(tmp_path, text)
    assert (raw.interactions.height, broken(raw)) == (8, [6])


def test_text_after_a_closing_quote(tmp_path):
    raw = reading(tmp_path, log(["ok", '"fine" indeed', "ok"]))
    assert (raw.interactions.height, broken(raw)) == (2, [3])
    assert "text follows a closing quote" in raw.problems[0].message


def test_an_item_file_with_one_stray_quote(tmp_path):
    # 0.1.0 made one item of these three, and called the source sound.
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\nu,5,1391126400\n")
    items = tmp_path / "items.csv"
    items.write_text('item_id,title\n5,"Bed\n6,Other\n7,More\n')
    raw = read(tmp_path / "log.csv", ReadOptions(items=items))
    assert (raw.items["title"].to_list(), broken(raw)) == (["Other", "More"], [2])


def test_backslashes_before_quotes(tmp_path):
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\nu,5,1391126400\n")
    items = tmp_path / "items.csv"
    items.write_text('item_id,title\n5,"say \\" now"\n6,plain\n7,"a \\\\ b, \\" c"\n')
    raw = read(tmp_path / "log.csv", ReadOptions(items=items))
    assert raw.items["title"].to_list() == ['say " now', "plain", 'a \\ b, " c']
    assert raw.problems == []
    assert any("was read as a quote" in note for note in raw.notes)


@pytest.mark.parametrize(
    "comment", ['"two\nlines"', '"a, b\nc"', '"a ""b""\n\n\nc"', '""', ' "padded" ', "it's", '5" x']
)
def test_what_is_right_stays_right(tmp_path, comment):
    raw = reading(tmp_path, log(["ok", comment, "ok"]))
    assert (raw.problems, raw.interactions.height) == ([], 3)


def test_rows_with_commas_too_many_are_rows_as_well(tmp_path):
    comments = ["ok"] * 9
    comments[4], comments[6] = '"open', 'a, b, "c"'
    raw = reading(tmp_path, log(comments))
    assert broken(raw) == [6, 8]


def test_two_lines_in_a_file_of_two_columns_may_be_a_title(tmp_path):
    (tmp_path / "log.csv").write_text("user_id,item_id,timestamp\nu,5,1391126400\n")
    items = tmp_path / "items.csv"
    items.write_text('item_id,title\n5,"Hello\nyou, there"\n')
    raw = read(tmp_path / "log.csv", ReadOptions(items=items))
    assert (raw.items["title"].to_list(), raw.problems) == (["Hello\nyou, there"], [])


@pytest.mark.parametrize("mark", [";", "|"])
def test_other_separators_too(tmp_path, mark):
    comments = ["ok"] * 9
    comments[3] = '"open'
    raw = reading(tmp_path, log(comments, mark=mark))
    assert (raw.interactions.height, broken(raw)) == (8, [5])


def test_tabs_have_no_quoted_rows(tmp_path):
    raw = reading(tmp_path, log(["ok", '"open', 'x"'], mark="\t"), "log.tsv")
    assert (raw.interactions.height, raw.problems) == (3, [])


def test_windows_line_ends(tmp_path):
    raw = reading(tmp_path, log(["ok", '"open', "ok"]).replace("\n", "\r\n"))
    assert (raw.interactions.height, broken(raw)) == (2, [3])


def test_rows_with_a_nul_byte_are_named(tmp_path):
    comments = ["ok"] * 200
    comments[7] = "a\0b"
    raw = reading(tmp_path, log(comments))
    assert (raw.interactions.height, broken(raw)) == (199, [9])
    assert "NUL" in raw.problems[0].message


def test_a_field_of_thousands_of_lines_is_no_field(tmp_path):
    text = log(["ok", '"' + "\n".join(f"line {n}" for n in range(3000)) + '"', "ok"])
    raw = reading(tmp_path, text)
    assert raw.problems[0].row == 3


def test_regular_quotes_are_told_quickly():
    assert quotes_are_regular(b'a,b\n"x","y ""z"""\n1,2', ",")
    for text in (b'"x" y,1\n', b'"x\ny",1\n', b'x"y,1\n', b'a,"x\n', b'a, "x"\n'):
        assert not quotes_are_regular(text, ",")


def test_fields():
    assert split_quoted('a,"b,""c""",d', ",") == ["a", 'b,"c"', "d"]
    assert split_quoted('"a" , "b"', ",") == ["a", "b"]
    assert split_quoted('""', ",") == [""]
    assert isinstance(split_quoted('"a', ","), str)
    assert isinstance(split_quoted('"a"b', ","), str)


cells = st.text(st.sampled_from(list('ab,;"\n\\ ')), max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(cells, min_size=1, max_size=12))
def test_every_line_is_read_or_named(comments):
    """Rows read and rows named are all the rows, whatever quotes stand in them."""
    plain = ["ok"] * 3  # by which a row is known
    text = log([*plain, *(one.replace("\n", " ") for one in comments)])
    with TemporaryDirectory() as folder:
        raw = reading(Path(folder), text)
    named = sum(raw.problem_counts.values())
    assert raw.interactions.height + named == len(comments) + 3


@settings(max_examples=100, deadline=None)
@given(st.lists(cells, min_size=1, max_size=12))
def test_what_a_program_quotes_is_read(comments):
    quoted = ['"' + one.replace('"', '""') + '"' for one in comments]
    with TemporaryDirectory() as folder:
        raw = reading(Path(folder), log(["ok"] * 3 + quoted))
    assert (raw.problems, raw.interactions.height) == ([], len(comments) + 3)
