"""Amazon reviews and metadata of 2014, 2018 and 2023, as JSON lines and as Python literals."""

from __future__ import annotations

import gzip
import json

import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.base.problems import Kind
from store.data.readers.formats.json_records import parse_line
from store.errors import DataError

REVIEW_2014 = {"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 1379289600}
META_2014 = {
    "asin": "B1",
    "title": "Pen &amp; Ink\n Set",
    "brand": "Pilot",
    "price": 9.5,
    "categories": [["Office", "Pens"], ["Office", "Gifts"]],
    "related": {"also_bought": ["B2"]},
}


def write(path, records, dump=json.dumps):
    data = "".join(dump(record) + "\n" for record in records).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("dump", [json.dumps, repr])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_2014(tmp_path, dump, end):
    other = REVIEW_2014 | {"reviewerID": "A2", "helpful": [0, 0], "ok": True, "none": None}
    write(tmp_path / f"reviews_Office.json{end}", [REVIEW_2014, other], dump)
    write(tmp_path / f"meta_Office.json{end}", [META_2014, {"asin": "B2"}], dump)
    raw = read(tmp_path)
    assert (raw.format, raw.problems) == ("amazon", [])
    assert raw.interactions.rows() == [
        ("A1", "B1", 1379289600, None, 1),
        ("A2", "B1", 1379289600, None, 2),
    ]
    assert raw.items.rows() == [
        ("B1", "Pen & Ink Set", ["Office", "Pens", "Gifts"], '{"brand":"Pilot","price":"9.5"}', 1),
        ("B2", None, [], "{}", 2),
    ]


def test_2018_metadata_repeat_items_word_for_word(tmp_path):
    meta = {"asin": "B1", "title": "Pen", "category": ["Office", "Pens"], "main_cat": "Office"}
    write(tmp_path / "Office_5.json", [REVIEW_2014])
    write(tmp_path / "meta_Office.json", [meta, meta])
    raw = read(tmp_path)
    assert raw.problems == []
    assert raw.items.height == 1
    assert "meta_Office.json: 1 rows repeat an item word for word; merged" in raw.notes


def test_2018_metadata_that_contradict_are_a_duplicate(tmp_path):
    write(tmp_path / "Office_5.json", [REVIEW_2014])
    rows = [{"asin": "B1", "title": "Pen"}, {"asin": "B2"}, {"asin": "B1", "title": "Ink"}]
    write(tmp_path / "meta_Office.json", rows)
    (problem,) = read(tmp_path).problems
    assert (problem.kind, problem.row, problem.column) == (Kind.DUPLICATE, 3, "asin")


def test_2023_uses_the_parent_item_and_milliseconds(tmp_path):
    review = {"user_id": "AE1", "asin": "B9", "parent_asin": "B1", "timestamp": 1588687728923}
    meta = {"parent_asin": "B1", "title": "Pen", "store": "Pilot", "main_category": "Office"}
    write(tmp_path / "Office.jsonl", [review])
    write(tmp_path / "meta_Office.jsonl", [meta])
    raw = read(tmp_path)
    assert raw.interactions.row(0)[:3] == ("AE1", "B1", 1588687728)
    assert raw.items.row(0)[:4] == ("B1", "Pen", ["Office"], '{"brand":"Pilot"}')
    assert "Office.jsonl: column timestamp was read as milliseconds" in raw.notes


def test_broken_lines_are_named(tmp_path):
    path = tmp_path / "reviews.json"
    good = json.dumps(REVIEW_2014)
    late = json.dumps(REVIEW_2014 | {"unixReviewTime": "yesterday"})
    nobody = json.dumps({"asin": "B1", "unixReviewTime": 1379289600})
    path.write_text("\n".join([good, good[:20], "", "[1, 2]", late, nobody]) + "\n")
    raw = read(path)
    found = {(p.kind, p.row, p.column, p.value) for p in raw.problems}
    assert found == {
        (Kind.ROW, 2, None, good[:20]),
        (Kind.ROW, 4, None, "[1, 2]"),
        (Kind.TIME, 5, "unixReviewTime", "yesterday"),
        (Kind.VALUE, 6, "reviewerID", ""),
    }
    assert raw.interactions["row"].to_list() == [1]


def test_bytes_that_are_not_utf_8(tmp_path):
    path = tmp_path / "reviews.json"
    good = json.dumps(REVIEW_2014 | {"note": "ü" * 30}, ensure_ascii=False).encode()
    path.write_bytes(good + b'\n{"reviewerID": "\xe9"}\n')
    problem = next(p for p in read(path).problems if p.kind is Kind.ENCODING)
    assert (problem.row, problem.value) == (2, "0xe9")


def test_literals_are_read_and_never_run(tmp_path):
    marker = tmp_path / "ran"
    assert parse_line(f"{{'a': open({str(marker)!r}, 'w')}}") is None
    assert parse_line("{'a': __import__('os')}") is None
    assert not marker.exists()
    assert parse_line("{'a': u'x', 'b': [1, (2,)], 'c': None}") == {
        "a": "x",
        "b": [1, (2,)],
        "c": None,
    }


def test_two_review_files_in_a_folder_need_a_name(tmp_path):
    write(tmp_path / "a.json", [REVIEW_2014])
    write(tmp_path / "b.json", [REVIEW_2014])
    with pytest.raises(DataError, match=r"2 files hold reviews: a\.json, b\.json"):
        read(tmp_path)
    assert read(tmp_path / "a.json").interactions.height == 1


def test_items_may_be_named_apart(tmp_path):
    write(tmp_path / "r.json", [REVIEW_2014])
    (tmp_path / "m").mkdir()
    write(tmp_path / "m" / "meta.json.gz", [META_2014])
    raw = read(tmp_path / "r.json", ReadOptions(items=tmp_path / "m" / "meta.json.gz"))
    assert raw.items["title"].to_list() == ["Pen & Ink Set"]
