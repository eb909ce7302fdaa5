"""RecBole atomic files."""

from __future__ import annotations

import gzip

from store.data.readers import ReadOptions, read
from store.data.readers.base.problems import Kind

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
ITEM = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"


def test_folder(tmp_path):
    (tmp_path / "ml.inter").write_text(INTER + "196\t242\t3\t881250949\n186\t302\t3\t891717742.0\n")
    (tmp_path / "ml.item").write_text(ITEM + "242\tKolya (1996)\t1996\tComedy Drama\n302\t\t\t\n")
    raw = read(tmp_path)
    assert (raw.format, raw.files, raw.problems) == ("recbole", ["ml.inter", "ml.item"], [])
    assert raw.interactions.rows() == [
        ("196", "242", 881250949, None, 2),
        ("186", "302", 891717742, None, 3),
    ]
    assert raw.items.rows() == [
        ("242", "Kolya (1996)", ["Comedy", "Drama"], '{"release_year":"1996"}', 2),
        ("302", None, [], "{}", 3),
    ]


def test_categories_of_the_amazon_files_are_quoted_and_separated_by_commas(tmp_path):
    (tmp_path / "a.inter").write_text(INTER + "u\ti\t3\t881250949\n")
    (tmp_path / "a.item").write_text(
        "item_id:token\ttitle:token\tcategories:token_seq\ni\tPen\t'Office Products', 'Pens'\n"
    )
    assert read(tmp_path).items["categories"].to_list() == [["Office Products", "Pens"]]


def test_a_typed_header_is_known_whatever_the_name(tmp_path):
    path = tmp_path / "log.txt.gz"
    path.write_bytes(gzip.compress((INTER + "u\ti\t3\t881250949\n").encode()))
    raw = read(path)
    assert (raw.format, raw.interactions.height) == ("recbole", 1)


def test_names_by_option_and_bad_times(tmp_path):
    path = tmp_path / "x.inter"
    path.write_text("session_id:token\titem_id:token\twhen:float\ns1\ti\t5.0\ns2\ti\tlate\n")
    raw = read(path, ReadOptions(user_column="session_id", time_column="when"))
    assert raw.interactions["user_id"].to_list() == ["s1"]
    (problem,) = raw.problems
    assert (problem.kind, problem.row, problem.column) == (Kind.TIME, 3, "when")
