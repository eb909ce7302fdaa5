"""The first line: separators, names that stand twice, and files without names."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.base.problems import Kind
from store.data.readers.text.header import distinct_names, find_separator, is_data
from store.errors import DataError

SECOND = 1391126400
LOG = f"user_id,item_id,timestamp\nu1,i1,{SECOND}\nu2,i2,{SECOND + 1}\n"
BARE = f"A39HTATAQ9V7YF,0205616461,5.0,{SECOND}\nA3JM6GV9MNOF9X,0558925278,3.0,{SECOND + 1}\n"


def write(path, text: str | bytes):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


class TestSeparators:
    @pytest.mark.parametrize(("mark", "word"), [(";", "semicolons"), ("|", "bars")])
    def test_they_are_detected_and_said(self, tmp_path, mark, word):
        # 0.1.0 refused the file and asked for another one.
        raw = read(write(tmp_path / "log.csv", LOG.replace(",", mark)))
        assert (raw.problems, raw.interactions.height) == ([], 2)
        assert f"log.csv: {word} stand between the columns" in raw.notes

    @pytest.mark.parametrize("mark", [":", "~", "||", " "])
    def test_any_other_can_be_named(self, tmp_path, mark):
        path = write(tmp_path / "log.csv", LOG.replace(",", mark))
        raw = read(path, ReadOptions(separator=mark))
        assert (raw.problems, raw.interactions.height) == ([], 2)

    def test_item_files_have_their_own(self, tmp_path):
        items = write(tmp_path / "items.csv", "item_id;title\ni1;Pen, blue\ni2;Ink\n")
        raw = read(write(tmp_path / "log.csv", LOG), ReadOptions(items=items))
        assert raw.items["title"].to_list() == ["Pen, blue", "Ink"]

    def test_decimal_commas_and_texts_do_not_mislead(self):
        assert find_separator(b"a;b;c\n1,5;2,5;3\n1,5;2,5;3\n") == ";"
        assert find_separator(b"a,b\n1,x;y;z\n2,u;v;w\n") == ","
        assert find_separator(b'a,b\n1,"x;y"\n') == ","
        assert find_separator(b"a\n1\n") == ","

    def test_the_line_that_excel_writes_first(self, tmp_path):
        raw = read(write(tmp_path / "log.csv", "sep=;\r\n" + LOG.replace(",", ";")))
        assert (raw.problems, raw.interactions["row"].to_list()) == ([], [3, 4])


class TestNoHeader:
    def test_it_is_said_and_nothing_is_lost(self, tmp_path):
        # The advice of 0.1.0, to name the columns by the values of row 1, lost that row.
        raw = read(write(tmp_path / "ratings_Beauty.csv", BARE))
        assert [problem.column for problem in raw.problems] == ["user_id", "item_id", "timestamp"]
        assert "has no line of column names" in raw.advice[0]
        assert raw.proposed == {"user_column": "1", "item_column": "2", "time_column": "4"}
        raw = read(tmp_path / "ratings_Beauty.csv", ReadOptions(**raw.proposed))
        assert raw.problems == []
        assert raw.interactions.rows() == [
            ("A39HTATAQ9V7YF", "0205616461", SECOND, None, 1),
            ("A3JM6GV9MNOF9X", "0558925278", SECOND + 1, None, 2),
        ]

    @pytest.mark.parametrize("mark", ["\t", ";", "|"])
    def test_with_any_separator(self, tmp_path, mark):
        path = write(tmp_path / "log.txt", BARE.replace(",", mark))
        raw = read(path, ReadOptions(user_column="1", item_column="2", time_column="4"))
        assert (raw.problems, raw.interactions.height) == ([], 2)

    def test_the_user_decides(self, tmp_path):
        options = {"user_column": "1", "item_column": "2", "time_column": "3"}
        path = write(tmp_path / "log.csv", LOG.replace("user_id,item_id,timestamp", "x,y,2014"))
        assert read(path, ReadOptions(header=True, **options)).interactions.height == 2
        path = write(tmp_path / "log.csv", "a,b,c\n" + f"u,i,{SECOND}\n")
        assert read(path, ReadOptions(header=False, **options)).problems[0].row == 1

    def test_columns_by_number_beside_names(self, tmp_path):
        path = write(tmp_path / "log.csv", LOG)
        raw = read(path, ReadOptions(user_column="2", item_column="1"))
        assert raw.interactions["user_id"].to_list() == ["i1", "i2"]

    def test_items_without_a_header(self, tmp_path):
        items = write(tmp_path / "items.csv", "i1,Pen,1.5\ni2,Ink,2.5\n")
        options = ReadOptions(items=items, item_file_column="1", title_column="2")
        raw = read(write(tmp_path / "log.csv", LOG), options)
        assert raw.items["title"].to_list() == ["Pen", "Ink"]

    def test_what_is_data(self):
        assert is_data(["u", "1391126400"], {"userid"})
        assert is_data(["u", "2014-01-31"], {"userid"})
        assert not is_data(["User ID", "2014"], {"userid"})
        assert not is_data(["who", "what"], {"userid"})


class TestNames:
    def test_names_that_stand_twice_matter_where_they_are_used(self, tmp_path):
        text = LOG.replace("timestamp", "timestamp,x,x").replace("\nu", "\nu").splitlines()
        rows = [text[0], *(f"{row},1,2" for row in text[1:])]
        raw = read(write(tmp_path / "log.csv", "\n".join(rows)))
        assert (raw.problems, raw.interactions.height) == ([], 2)
        twice = LOG.replace("item_id", "user_id")
        (problem,) = read(write(tmp_path / "log.csv", twice)).problems
        assert (problem.kind, problem.column) == (Kind.COLUMN, "user_id")
        assert "two columns have this name" in problem.message

    def test_two_fields_of_one_name_in_recbole(self, tmp_path):
        text = f"user_id:token\tuser_id:float\titem_id:token\ttimestamp:float\nu\t1\ti\t{SECOND}\n"
        (problem,) = read(write(tmp_path / "log.inter", text)).problems
        assert (problem.kind, problem.column) == (Kind.COLUMN, "user_id")

    def test_frames_with_two_columns_of_one_name(self):
        table = pa.table([[1], [2]], names=["user_id", "user_id"])
        with pytest.raises(DataError, match="two columns of the interactions frame are named"):
            read(table)

    @pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "arrow", "frame"])
    def test_a_column_may_have_any_name(self, tmp_path, kind):
        # Made by a column named as the one that held the numbers of rows.
        names = ["__row__", "\0row", "row", "value", "title (2)", ""]
        data = {"user_id": ["u"], "item_id": ["i"], "timestamp": [SECOND]}
        frame = pl.DataFrame(data | {name: ["1"] for name in names})
        if kind == "frame":
            raw = read(frame)
        else:
            path = tmp_path / f"log.{kind}"
            if kind == "parquet":
                frame.write_parquet(path)
            elif kind == "arrow":
                frame.write_ipc(path)
            else:
                frame.write_csv(path, separator="," if kind == "csv" else "\t")
            raw = read(path)
        assert raw.interactions.height + len(raw.problems) >= 1
        if kind not in ("csv", "tsv"):  # text with a NUL byte is refused
            assert (raw.problems, raw.interactions.height) == ([], 1)

    def test_a_header_of_megabytes_is_no_header(self, tmp_path):
        path = write(tmp_path / "log.csv", b"user_id," + b"x" * (2 << 20) + b"\nu,i\n")
        (problem,) = read(path).problems
        assert (problem.row, "is no header" in problem.message) == (1, True)

    def test_distinct_names(self):
        assert distinct_names(["a", "a", "a (2)", "", "a"]) == [
            "a",
            "a (2)",
            "a (2) (2)",
            "column 4",
            "a (3)",
        ]
