"""CSV, TSV and Parquet, good and bad, by the exact file, row and column."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from store.data.readers import ReadOptions, problem_lines, raise_on_problems, read
from store.data.readers.base.problems import Kind
from store.errors import DataError, UserError

LOG = "user_id,item_id,timestamp\nu1,i1,1391126400\nu2,i2,2014-01-31\n"
ITEMS = "item_id,title,categories,brand\ni1,Pen,Office|Pens,Pilot\ni2,,,\n"
SECOND = 1391126400


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def zipped(text: str) -> bytes:
    """As gzip without the time of writing: test names made of it are the same in every process."""
    return gzip.compress(text.encode(), mtime=0)


def places(raw) -> list[tuple[str, str, int | None, str | None, str | None]]:
    return [(str(p.kind), p.file, p.row, p.column, p.value) for p in raw.problems]


class TestGood:
    @pytest.mark.parametrize("mark", [",", "\t"])
    @pytest.mark.parametrize("end", ["", ".gz"])
    @pytest.mark.parametrize("line", ["\n", "\r\n"])
    def test_folder(self, tmp_path, mark, end, line):
        kind = "csv" if mark == "," else "tsv"
        for name, text in (("interactions", LOG), ("items", ITEMS)):
            data = text.replace(",", mark).replace("\n", line).encode()
            write(tmp_path / f"{name}.{kind}{end}", gzip.compress(data) if end else data)
        raw = read(tmp_path)
        assert (raw.format, raw.problems) == (kind, [])
        assert raw.interactions.rows() == [
            ("u1", "i1", SECOND, None, 2),
            ("u2", "i2", SECOND, None, 3),
        ]
        assert raw.items.rows() == [
            ("i1", "Pen", ["Office", "Pens"], '{"brand":"Pilot"}', 2),
            ("i2", None, [], "{}", 3),
        ]

    def test_parquet_folder(self, tmp_path):
        pl.read_csv(io.BytesIO(LOG.encode())).write_parquet(tmp_path / "interactions.parquet")
        pl.read_csv(io.BytesIO(ITEMS.encode())).write_parquet(tmp_path / "items.parquet")
        raw = read(tmp_path)
        assert (raw.format, raw.problems) == ("parquet", [])
        assert raw.interactions["timestamp"].to_list() == [SECOND, SECOND]
        assert raw.interactions["row"].to_list() == [1, 2]
        assert raw.items["categories"].to_list() == [["Office", "Pens"], []]

    def test_content_counts_and_not_the_name(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG.replace(",", "\t")))
        assert (raw.format, raw.problems, raw.interactions.height) == ("tsv", [], 2)
        raw = read(write(tmp_path / "log.csv.zipped", zipped(LOG)))
        assert (raw.format, raw.problems, raw.interactions.height) == ("csv", [], 2)
        assert "log.csv.zipped is gzip although its name does not say so" in raw.notes

    def test_other_names_by_option(self, tmp_path):
        log = write(tmp_path / "log.csv", "who,what,place\nu,i,2\nu,j,1\n")
        items = write(tmp_path / "what.tsv", "what\tname\tkind\ni\tPen\tOffice, Pens\n")
        raw = read(
            log,
            ReadOptions(
                items=items,
                user_column="who",
                item_column="what",
                position_column="place",
                title_column="name",
                categories_column="kind",
            ),
        )
        assert raw.problems == []
        assert raw.interactions.rows() == [("u", "i", None, 2, 2), ("u", "j", None, 1, 3)]
        assert raw.items.rows() == [("i", "Pen", ["Office", "Pens"], "{}", 2)]

    @pytest.mark.parametrize("name", ["*", "^.*_id$"])
    def test_a_column_may_be_called_like_a_pattern(self, tmp_path, name):
        # Found by fuzzing: polars took the name for a pattern and no file with it was read.
        log = write(tmp_path / "log.tsv", f"{name}\tuser_id\titem_id\ttimestamp\n7\tu\ti\t5\n")
        items = write(tmp_path / "items.tsv", f"item_id\ttitle\t{name}\ni\tPen\tred\n")
        raw = read(log, ReadOptions(items=items))
        assert (raw.problems, raw.interactions.height) == ([], 1)
        assert json.loads(raw.items["extra"][0]) == {name: "red"}

    def test_an_item_file_with_the_usual_name_is_read_though_the_log_has_another(self, tmp_path):
        log = write(tmp_path / "log.csv", "user_id,sku,position\nu,i1,2\n")
        items = write(tmp_path / "items.csv", ITEMS)
        raw = read(log, ReadOptions(items=items, item_column="sku"))
        assert (raw.problems, raw.items.height) == ([], 2)

    def test_byte_order_mark_blank_lines_and_blanks_in_the_header(self, tmp_path):
        text = b"\xef\xbb\xbf\nuser_id, item_id ,timestamp\n\nu,i,5\n\n"
        raw = read(write(tmp_path / "log.csv", text))
        assert raw.problems == []
        assert raw.interactions.rows() == [("u", "i", 5, None, 4)]

    def test_carriage_returns(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG.replace("\n", "\r")))
        assert (raw.problems, raw.interactions["row"].to_list()) == ([], [2, 3])
        raw = read(write(tmp_path / "log.tsv", "user_id\titem_id\tposition\nu\ta\rb\t1\nv\n"))
        assert raw.interactions.rows() == [("u", "a b", None, 1, 2)]
        assert places(raw) == [("broken row", "log.tsv", 3, None, "v")]

    def test_quotes(self, tmp_path):
        text = 'item_id,title\n1,"8.5"" pad, ruled"\n2,"two\nlines"\n3,plain\n'
        log = write(tmp_path / "log.csv", LOG)
        raw = read(log, ReadOptions(items=write(tmp_path / "items.csv", text)))
        assert raw.problems == []
        assert raw.items["title"].to_list() == ['8.5" pad, ruled', "two\nlines", "plain"]
        text = (
            'item_id\ttitle\n1\t8.5" pad\n2\t"No" Makeup Kit\n3\t"say ""hi"""\n4\t"Pro" and "Con"\n'
        )
        raw = read(log, ReadOptions(items=write(tmp_path / "items.tsv", text)))
        assert raw.items["title"].to_list() == [
            '8.5" pad',
            '"No" Makeup Kit',
            'say "hi"',
            '"Pro" and "Con"',
        ]

    def test_a_quote_inside_an_unquoted_field_is_text(self, tmp_path):
        log = write(tmp_path / "log.csv", LOG)
        items = write(tmp_path / "items.csv", 'item_id,title\n1,8.5" pad\n2,pen\n')
        raw = read(log, ReadOptions(items=items))
        assert (raw.problems, raw.items["title"].to_list()) == ([], ['8.5" pad', "pen"])

    def test_without_an_item_file(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG))
        assert raw.items.height == 0
        assert "no item file: items have no texts; name one with --items" in raw.notes

    def test_a_split_file_beside_the_data_is_pointed_out(self, tmp_path):
        write(tmp_path / "interactions.csv", LOG)
        write(tmp_path / "user_split.csv", "user_id,split\nu1,train\n")
        notes = " ".join(read(tmp_path).notes)
        assert f"--split {tmp_path / 'user_split.csv'}" in notes


class TestBad:
    """Every kind of bad input the readers know, by its exact place."""

    def test_missing_column(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", "user,item_id,timestamp\nu,i,5\n"))
        assert places(raw) == [("missing column", "log.csv", None, "user_id", None)]
        assert problem_lines(raw) == [
            "missing column (1):",
            "  log.csv, column user_id: there is no such column; did you mean 'user'?",
            "log.csv has the columns user, item_id, timestamp. Name the right ones: user_column",
        ]

    def test_neither_time_nor_position(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", "user_id,item_id\nu,i\n"))
        assert places(raw) == [("missing column", "log.csv", None, "timestamp", None)]
        assert "neither this column nor 'position'" in raw.problems[0].message
        assert raw.advice[0].endswith("time_column, or position_column")

    def test_wrong_separator_of_a_forced_format(self, tmp_path):
        raw = read(write(tmp_path / "log.tsv", LOG), ReadOptions(format="tsv"))
        assert places(raw)[0][:3] == ("wrong separator", "log.tsv", 1)

    def test_wrong_separator_of_a_row(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG + "u3;i3;1391126400\n"))
        assert places(raw) == [("wrong separator", "log.csv", 4, None, "u3;i3;1391126400")]
        assert raw.interactions.height == 2

    @pytest.mark.parametrize("mark", [",", "\t"])
    @pytest.mark.parametrize("bad", ["u3,i3", "u3,i3,7,8"])
    def test_rows_with_too_few_or_too_many_fields(self, tmp_path, mark, bad):
        text = (LOG + bad + "\nu4,i4,1391126409\n").replace(",", mark)
        raw = read(write(tmp_path / "log.txt", text))
        assert places(raw) == [("broken row", "log.txt", 4, None, bad.replace(",", mark))]
        assert raw.interactions["row"].to_list() == [2, 3, 5]

    def test_a_short_row_in_a_file_with_quotes(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG + '"u,3","i"\nu4,i4,1391126409\n'))
        assert places(raw)[0][:3] == ("broken row", "log.csv", 4)
        assert raw.interactions["row"].to_list() == [2, 3, 5]

    def test_unreadable_and_missing_times(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG + "u3,i3,32.01.2014\nu4,i4,\n"))
        assert places(raw) == [
            ("unreadable time", "log.csv", 4, "timestamp", "32.01.2014"),
            ("unreadable time", "log.csv", 5, "timestamp", ""),
        ]
        assert raw.interactions.height == 2

    def test_a_position_stands_in_for_a_missing_time_but_not_for_a_wrong_one(self, tmp_path):
        text = "user_id,item_id,position,timestamp\nu,i,0,\nu,j,1,5\nu,k,x,6\nv,i,0,soon\nw,i,,\n"
        raw = read(write(tmp_path / "log.csv", text))
        assert places(raw) == [
            ("unreadable time", "log.csv", 5, "timestamp", "soon"),
            ("unreadable position", "log.csv", 4, "position", "x"),
            ("unreadable time", "log.csv", 6, "timestamp", ""),
        ]
        assert raw.interactions["row"].to_list() == [2, 3]

    def test_a_user_with_times_in_some_rows_and_positions_in_others_has_no_order(self, tmp_path):
        text = "user_id,item_id,position,timestamp\nu,i,0,\nu,j,,5\nv,i,,7\n"
        raw = read(write(tmp_path / "log.csv", text))
        assert places(raw) == [("unreadable time", "log.csv", 2, "timestamp", "")]
        assert raw.interactions["row"].to_list() == [3, 4]

    def test_missing_ids(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG + ',i3,1391126405\nu3,"",1391126405\n'))
        assert places(raw) == [
            ("missing value", "log.csv", 4, "user_id", ""),
            ("missing value", "log.csv", 5, "item_id", ""),
        ]

    def test_duplicate_item(self, tmp_path):
        write(tmp_path / "interactions.csv", LOG)
        write(tmp_path / "items.csv", ITEMS + "i1,Other,,\n")
        raw = read(tmp_path)
        assert places(raw) == [("duplicate item id", "items.csv", 4, "item_id", "i1")]
        assert "row 2" in raw.problems[0].message
        assert raw.items["title"].to_list() == ["Pen", None]

    @pytest.mark.parametrize("data", [b"", b"\n \n", zipped("")], ids=["none", "blank", "zipped"])
    def test_empty_file(self, tmp_path, data):
        raw = read(write(tmp_path / "log.csv", data))
        assert places(raw) == [("empty file", "log.csv", None, None, None)]

    def test_header_only(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", "user_id,item_id,timestamp\n"))
        assert places(raw) == [("empty file", "log.csv", None, None, None)]

    @pytest.mark.parametrize(
        ("name", "data", "found"),
        [
            ("log.csv.gz", LOG.encode(), "not gzip"),
            ("log.csv.gz", zipped(LOG * 50)[:-20], "cut off"),
            ("log.csv.gz", zipped(LOG)[:8] + b"\xff" * 40, "damaged"),
            ("log.parquet", LOG.encode(), "not Parquet"),
            ("log.parquet", b"PAR1 and then nothing", "cannot be read"),
            ("log.csv", b"PAR1\x00\x00PAR1", "Parquet"),
            ("log.csv", b"PK\x03\x04rest", "a zip archive or a spreadsheet"),
            ("log.csv", b"<!DOCTYPE html><p>", "a web page"),
            ("log.tsv", b"user_id\x00\x01\x02", "binary data"),
            ("log.csv", b'{"user_id": "u"}\n', "JSON lines"),
            ("log.json", LOG.encode(), "not JSON lines"),
        ],
    )
    def test_not_what_its_name_says(self, tmp_path, name, data, found):
        raw = read(write(tmp_path / name, data))
        assert places(raw) == [("not what its name says", name, None, None, None)]
        assert found in raw.problems[0].message

    def test_bytes_that_are_not_utf_8(self, tmp_path):
        text = (LOG + "ü,ö,1391126405\n" * 9).encode() + b"u3,i\xe9,1391126405\n"
        raw = read(write(tmp_path / "log.csv", text))
        assert places(raw) == [("not UTF-8", "log.csv", 13, "item_id", "0xe9")]

    def test_the_first_ten_of_each_kind_are_shown_and_all_are_counted(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG + "u,i,x\n" * 25 + ",i,1391126405\n" * 3))
        assert raw.problem_counts == {Kind.TIME: 25, Kind.VALUE: 3}
        assert [p.row for p in raw.problems if p.kind is Kind.TIME] == list(range(4, 14))
        assert "  … and 15 more" in problem_lines(raw)

    def test_build_refuses_with_the_words_of_check(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", LOG + "u3,i3,x\n"))
        with pytest.raises(DataError) as refusal:
            raise_on_problems(raw)
        assert str(refusal.value) == "\n".join(problem_lines(raw))
        raise_on_problems(read(write(tmp_path / "log.csv", LOG)))

    def test_both_files_are_examined(self, tmp_path):
        write(tmp_path / "interactions.csv", "")
        write(tmp_path / "items.csv", "name\nPen\n")
        assert [place[:2] for place in places(read(tmp_path))] == [
            ("empty file", "interactions.csv"),
            ("missing column", "items.csv"),
        ]


class TestSources:
    def test_absent_and_unknown(self, tmp_path):
        with pytest.raises(DataError, match="no such file or folder"):
            read(tmp_path / "none")
        with pytest.raises(DataError, match="found: nothing"):
            read(tmp_path)
        write(tmp_path / "notes.md", "hello")
        with pytest.raises(DataError, match=r"found: notes\.md"):
            read(tmp_path)
        with pytest.raises(UserError, match="unknown format 'xml'"):
            read(tmp_path, ReadOptions(format="xml"))
        log = write(tmp_path / "log.csv", LOG)
        with pytest.raises(DataError, match="no such item file"):
            read(log, ReadOptions(items=tmp_path / "none.csv"))

    def test_a_table_of_ones_own_may_be_called_ratings(self, tmp_path):
        write(tmp_path / "ratings.csv", LOG)
        raw = read(tmp_path)
        assert (raw.format, raw.problems, raw.interactions.height) == ("csv", [], 2)

    def test_a_named_format_chooses_among_what_a_folder_holds(self, tmp_path):
        write(tmp_path / "ratings.csv", "userId,movieId,rating,timestamp\n1,7,4.0,5\n")
        write(tmp_path / "interactions.csv", LOG)
        assert read(tmp_path).format == "movielens"
        assert read(tmp_path, ReadOptions(format="csv")).interactions.height == 2
        with pytest.raises(DataError, match="no recbole data set"):
            read(tmp_path, ReadOptions(format="recbole"))


ids = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]),
    min_size=1,
    max_size=8,
).filter(lambda text: text.strip() != "")  # an id of blanks alone is none
times = st.integers(900_000_000, 1_900_000_000)
logs = st.lists(st.tuples(ids, ids, times), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(logs, st.sampled_from(["csv", "csv.gz", "parquet"]))
def test_what_is_written_is_read(rows, kind):
    """Any ids survive: quotes, commas, bars, colons, leading zeros, words like NA."""
    frame = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"log.{kind}"
        if kind == "parquet":
            frame.write_parquet(path)
        else:
            text = frame.write_csv(quote_style="non_numeric").encode()
            path.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
        raw = read(path, ReadOptions(format=kind.removesuffix(".gz")))
    assert raw.problems == []
    assert raw.interactions.select("user_id", "item_id", "timestamp").rows() == rows


plain_ids = ids.filter(lambda text: not text.startswith('"') and text == text.strip())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(plain_ids, plain_ids, times), min_size=1, max_size=20))
def test_tab_separated_text_is_read_as_it_stands(rows):
    text = "user_id\titem_id\ttimestamp\n" + "".join(f"{u}\t{i}\t{t}\n" for u, i, t in rows)
    with tempfile.TemporaryDirectory() as folder:
        raw = read(write(Path(folder) / "log.tsv", text))
    assert raw.problems == []
    assert raw.interactions.select("user_id", "item_id", "timestamp").rows() == rows


@settings(max_examples=150, deadline=None)
@example(b"\x01\r\x01", "a.csv")
@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.tsv", "a.json", "a.inter", "a.dat"]))
def test_no_bytes_break_a_reader(data, name):
    """Whatever the bytes, they are read or refused by name; nothing else is raised."""
    with tempfile.TemporaryDirectory() as folder:
        raw = read(write(Path(folder) / name, data))
    assert raw.problems
    assert raw.interactions.height == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["u,i,5", "u;i;5", ",", "", '"', 'a"b,c,7', "u,i,x", "é,\x1f,1"])))
def test_no_row_is_lost_silently(rows):
    """Good rows and named rows together are all rows that are not blank."""
    text = "user_id,item_id,timestamp\n" + "".join(row + "\n" for row in rows if row != '"')
    with tempfile.TemporaryDirectory() as folder:
        raw = read(write(Path(folder) / "log.csv", text + "u,i,5\n"))
    broken = {p.row for p in raw.problems}
    good = set(raw.interactions["row"].to_list())
    written = {n for n, line in enumerate(text.splitlines()[1:], start=2) if line}
    if sum(raw.problem_counts.values()) == len(raw.problems):
        assert broken | good == written | {text.count("\n") + 1}
    assert not broken & good
