"""Ids by one rule, whatever reader they come through."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from store.data.readers import read
from store.data.readers.base.problems import Kind
from store.data.readers.values.ids import to_ids

SECOND = 1391126400
KINDS = ["csv", "tsv", "json", "literal", "parquet", "arrow", "polars", "pandas", "recbole"]


def reading(folder: Path, kind: str, users: list[Any]):
    """Read these users through one of the readers, as that one would hold them."""
    rows = [{"user_id": user, "item_id": "i", "timestamp": SECOND} for user in users]
    frame = pl.DataFrame({"user_id": users, "item_id": "i", "timestamp": SECOND}, strict=False)
    if kind == "polars":
        return read(frame)
    if kind == "pandas":
        return read(pd.DataFrame(rows))
    if kind == "recbole":
        path = folder / "log.inter"
        text = frame.write_csv(separator="\t").partition("\n")[2]
        path.write_text("user_id:token\titem_id:token\ttimestamp:float\n" + text)
        return read(path)
    path = folder / f"log.{'json' if kind == 'literal' else kind}"
    if kind in ("csv", "tsv"):
        frame.write_csv(path, separator="," if kind == "csv" else "\t")
    elif kind == "parquet":
        frame.write_parquet(path)
    elif kind == "arrow":
        frame.write_ipc(path)
    else:
        dump = json.dumps if kind == "json" else repr
        path.write_text("".join(dump(row) + "\n" for row in rows))
    return read(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([12.0, 34.0], ["12", "34"]),
        ([12, 34], ["12", "34"]),
        ([12.0, None, 34.0], ["12", "34"]),
        (["07", "7"], ["07", "7"]),
        (["a", "12.0"], ["a", "12.0"]),
        ([1.5, 2.0], ["1.5", "2"]),
        ([True, False], ["true", "false"]),
        (["NA", "null", "nan"], ["NA", "null", "nan"]),
        ([2**60, 2**60 + 1], [str(2**60), str(2**60 + 1)]),
        (["00000000-0000-0000-0000-000000000007"], ["00000000-0000-0000-0000-000000000007"]),
    ],
)
def test_one_rule(tmp_path, kind, given, wanted):
    # In 0.1.0 the user 12.0 was another one than 12, by the reader.
    raw = reading(tmp_path, kind, given)
    assert raw.interactions["user_id"].to_list() == wanted
    assert [(p.kind, p.column) for p in raw.problems] == [
        (Kind.VALUE, "user_id") for value in given if value is None
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_words_for_none_are_ids_and_are_noted(tmp_path, kind):
    raw = reading(tmp_path, kind, ["u", "NA", "null"])
    assert raw.interactions.height == 3
    assert any("holds 2 ids such as 'NA', 'null'" in note for note in raw.notes)


@pytest.mark.parametrize("constant", ["NaN", "null", '""'])
def test_json_values_that_are_none(tmp_path, constant):
    # 0.1.0 made the user "nan" of NaN.
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{"user_id":{constant},"item_id":"i","timestamp":{SECOND}}}\n')
    (problem,) = read(path).problems
    assert (problem.kind, problem.row, problem.column) == (Kind.VALUE, 1, "user_id")


@pytest.mark.parametrize("value", ['["u"]', '{"$oid": "1"}', "1e999", '"cut \\ud83d"'])
def test_json_values_that_are_no_ids(tmp_path, value):
    path = tmp_path / "log.jsonl"
    good = f'{{"user_id":"u","item_id":"i","timestamp":{SECOND}}}\n'
    path.write_text(good + good.replace('"u"', value))
    raw = read(path)
    assert raw.interactions.height == 1
    (problem,) = raw.problems
    assert (problem.row, problem.column) == (2, "user_id")
    assert problem.kind is Kind.ID


class TestTypes:
    def test_uuids(self, tmp_path):
        # The bytes of pandas' UUIDs became text; those of Parquet ended in a traceback.
        users = [UUID(int=7), UUID(int=2**127)]
        wanted = [str(user) for user in users]
        log = {"item_id": ["i", "j"], "timestamp": [SECOND, SECOND + 1]}
        assert (
            read(pd.DataFrame({"user_id": users} | log)).interactions["user_id"].to_list() == wanted
        )
        objects = pl.Series("user_id", users, dtype=pl.Object)
        assert read(pl.DataFrame([objects, *pl.DataFrame(log)])).interactions.height == 2
        column = pa.ExtensionArray.from_storage(
            pa.uuid(), pa.array([user.bytes for user in users], pa.binary(16))
        )
        table = pa.table({"user_id": column} | log)
        assert read(table).interactions["user_id"].to_list() == wanted
        pq.write_table(table, tmp_path / "log.parquet")
        assert read(tmp_path / "log.parquet").interactions["user_id"].to_list() == wanted

    def test_bytes(self):
        log = {"item_id": ["i", "j"], "timestamp": [SECOND, SECOND + 1]}
        raw = read(pl.DataFrame({"user_id": [b"u", b"\xff\xfe"]} | log))
        assert raw.interactions["user_id"].to_list() == ["u"]
        (problem,) = raw.problems
        assert (problem.kind, problem.row, problem.column) == (Kind.ID, 2, "user_id")

    @pytest.mark.parametrize(
        "series",
        [
            pl.Series([["u"]]),
            pl.Series([{"a": 1}]),
            pl.Series([1], dtype=pl.Duration("ms")),
            pl.Series([0], dtype=pl.Time),
        ],
        ids=["list", "struct", "duration", "time"],
    )
    @pytest.mark.parametrize("column", ["user_id", "item_id", "position", "timestamp"])
    def test_columns_that_hold_no_ids(self, tmp_path, series, column):
        data = {"user_id": ["u"], "item_id": ["i"], "timestamp": [SECOND], "position": [1]}
        frame = pl.DataFrame(data).with_columns(series.rename(column))
        frame.write_parquet(tmp_path / "log.parquet")
        for raw in (read(frame), read(tmp_path / "log.parquet")):
            (problem,) = raw.problems
            assert (problem.kind, problem.column) == (Kind.COLUMN, column)

    def test_decimals_categories_dates(self):
        assert to_ids(pl.Series([Decimal("12.00"), Decimal("1.50")])).texts.to_list() == [
            "12",
            "1.5",
        ]
        assert to_ids(pl.Series(["a", "b"], dtype=pl.Categorical)).texts.to_list() == ["a", "b"]

    def test_floats_that_no_longer_hold_an_id(self):
        ids = to_ids(pl.Series([2.0**60, 1.0, float("inf"), float("nan")]))
        assert ids.texts.to_list() == [str(2**60), "1", None, None]
        assert ids.unusable.to_list() == [False, False, True, False]
        assert "last digits may be lost" in ids.notes[0]


def test_ids_that_a_spreadsheet_cut_short():
    ids = to_ids(pl.Series(["1.23457E+15", "2,5E+12"]))
    assert any("cut short" in note for note in ids.notes)


def test_blanks():
    ids = to_ids(pl.Series([" u", "u", "   ", "\t"]))
    assert ids.texts.to_list() == [" u", "u", None, None]
    assert any("blanks at an end" in note for note in ids.notes)


def test_a_nul_byte_in_an_id_is_named():
    raw = read(pl.DataFrame({"user_id": ["a\0b", "c"], "item_id": "i", "timestamp": SECOND}))
    assert raw.interactions["user_id"].to_list() == ["c"]
    assert [(p.kind, p.row) for p in raw.problems] == [(Kind.ID, 1)]
