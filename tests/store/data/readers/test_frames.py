"""DataFrames from Python."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.base.problems import Kind
from store.errors import DataError

LOG = {"user_id": [1, 1, 2], "item_id": ["a", "b", "a"], "timestamp": [5, 6, 7]}
ITEMS = {"item_id": ["a", "b"], "title": ["Pen", None], "price": [1.5, 2.0]}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table])
def test_frames_of_every_kind(make):
    for raw in (read((make(LOG), make(ITEMS))), read(make(LOG), ReadOptions(items=make(ITEMS)))):
        assert (raw.format, raw.problems) == ("frame", [])
        assert raw.files == ["interactions frame", "items frame"]
        assert raw.interactions.rows() == [
            ("1", "a", 5, None, 1),
            ("1", "b", 6, None, 2),
            ("2", "a", 7, None, 3),
        ]
        assert raw.items.rows() == [
            ("a", "Pen", [], '{"price":1.5}', 1),
            ("b", None, [], '{"price":2.0}', 2),
        ]


def test_typed_columns():
    log = pl.DataFrame(
        {
            "user_id": pl.Series(["x", "x"], dtype=pl.Categorical),
            "item_id": [1.0, 2.0],
            "timestamp": [datetime(2014, 1, 31), datetime(2014, 2, 1)],
        }
    )
    items = pl.DataFrame({"item_id": [1, 2], "title": ["a", ""], "categories": [["p", "q"], None]})
    raw = read((log, items))
    assert raw.interactions["item_id"].to_list() == ["1", "2"]
    assert raw.interactions["timestamp"].to_list() == [1391126400, 1391212800]
    assert raw.items["categories"].to_list() == [["p", "q"], []]
    assert raw.items["title"].to_list() == ["a", None]


def test_gaps_in_pandas_are_missing_values():
    log = pd.DataFrame({"user_id": [1, None], "item_id": [1, 2], "timestamp": [5.0, None]})
    raw = read(log)
    assert raw.interactions.rows() == [("1", "1", 5, None, 1)]
    (problem,) = raw.problems
    assert (problem.kind, problem.file, problem.row, problem.column) == (
        Kind.VALUE,
        "interactions frame",
        2,
        "user_id",
    )


def test_what_is_no_frame():
    with pytest.raises(DataError, match=r"interactions frame \(int\)"):
        read(3)


def test_columns_of_python_objects_are_read_by_what_they_hold():
    # Made by UUIDs of pandas, which became sixteen bytes of text.
    users = [1, "x", UUID(int=7), 3.0, True, Decimal("4.00"), b"b", np.int64(9), None]
    log = pd.DataFrame({"user_id": pd.Series(users, dtype=object)})
    log["item_id"], log["timestamp"] = range(9), range(1_391_126_400, 1_391_126_409)
    raw = read(log)
    wanted = ["1", "x", str(UUID(int=7)), "3", "true", "4", "b", "9"]
    assert raw.interactions["user_id"].to_list() == wanted
    assert [(p.kind, p.row) for p in raw.problems] == [(Kind.VALUE, 9)]
    log["timestamp"] = pd.Series([datetime(2014, 1, 31)] * 8 + ["2014-01-31"], dtype=object)
    assert set(read(log).interactions["timestamp"]) == {1391126400}


def test_empty_frames_and_missing_columns():
    assert [p.kind for p in read(pl.DataFrame(schema=LOG.keys())).problems] == [Kind.EMPTY]
    raw = read(pl.DataFrame({"user_id": [1]}))
    assert [(p.kind, p.column) for p in raw.problems] == [
        (Kind.COLUMN, "item_id"),
        (Kind.COLUMN, "timestamp"),
    ]
    assert "item_column" in raw.advice[0]
