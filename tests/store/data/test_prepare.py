"""Filtering, ordering, numbering; and that the order of rows does not matter."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.data.filters import filter_mask
from store.data.natural_order import natural_order
from store.data.prepare import Counts, prepare
from store.data.readers import ReadOptions, read
from store.data.splits import NO_TIME
from store.errors import DataError

COLUMNS = ["user_id", "item_id", "timestamp", "position"]


def prepared(rows, items=None, **how):
    log = pl.DataFrame(
        rows,
        schema=dict(zip(COLUMNS, [pl.String, pl.String, pl.Int64, pl.Int64], strict=True)),
        orient="row",
    )
    how.setdefault("split", "none")
    return prepare(read(log, ReadOptions(items=items)), **how)


def sequences(data):
    return {
        user: [data.item_ids[item] for item in data.items[data.indptr[ix] : data.indptr[ix + 1]]]
        for ix, user in enumerate(data.user_ids)
    }


def test_ties_are_broken_by_position_then_item_id():
    rows = [
        ("u", "10", 5, 1),
        ("u", "9", 5, 1),
        ("u", "8", 5, 2),
        ("u", "7", 5, 0),
        ("u", "1", 4, 9),
    ]
    assert sequences(prepared(rows)) == {"u": ["1", "7", "9", "10", "8"]}
    rows = [("u", item, 5, None) for item in ("b10", "b9", "a")]
    assert sequences(prepared(rows)) == {"u": ["a", "b10", "b9"]}


def test_a_user_with_a_missing_time_is_ordered_by_position():
    rows = [
        ("u", "a", 9, 0),
        ("u", "b", None, 1),
        ("u", "c", 5, 2),
        ("v", "a", 9, 0),
        ("v", "b", 5, 1),
    ]
    data = prepared(rows)
    assert sequences(data) == {"u": ["a", "b", "c"], "v": ["b", "a"]}
    assert data.timestamps.tolist() == [9, NO_TIME, 5, 5, 9]


def test_numbers_of_users_and_items():
    rows = [("10", "x", 1, None), ("9", "y", 1, None), ("9", "x", 2, None), ("9", "a", 3, None)]
    data = prepared(rows)
    assert data.user_ids == ["9", "10"]
    assert data.item_ids == ["x", "a", "y"]  # by count, then by id
    assert prepared([("u10", "i", 1, 0), ("u9", "i", 1, 0)]).user_ids == ["u10", "u9"]
    assert natural_order(["10", "-1", "09", "9"]) == ["-1", "09", "9", "10"]
    assert natural_order(["9" * 5000, "10"]) == ["10", "9" * 5000]


def test_texts_follow_their_items():
    items = pl.DataFrame(
        {
            "item_id": ["unused", "b", "a"],
            "title": ["?", "Pen", None],
            "categories": [[], ["Office"], []],
            "brand": ["", "Pilot", None],
        }
    )
    data = prepared([("u", "b", 1, 0), ("u", "a", 2, 1), ("u", "c", 3, 2)], items)
    assert data.item_ids == ["a", "b", "c"]
    assert data.titles == [None, "Pen", None]
    assert data.categories == [(), ("Office",), ()]
    assert data.extra == [{}, {"brand": "Pilot"}, {}]
    assert data.after == Counts(users=1, items=3, interactions=3)


def test_repeated_interactions_are_kept_and_told():
    data = prepared([("u", "a", 1, None), ("u", "a", 1, None), ("u", "a", 2, None)])
    assert sequences(data) == {"u": ["a", "a", "a"]}
    assert any("1 interactions repeat another one exactly" in note for note in data.notes)


def test_items_that_the_item_file_does_not_have_are_told():
    rows = [("u", "a", 1, None), ("u", "b", 2, None), ("u", "c", 3, None)]
    items = pl.DataFrame({"item_id": ["a", "B", "C"], "title": ["Pen", "Ink", "Cap"]})
    said = "2 of 3 items are not in the item file and have no text, such as 'b'"
    assert sum(said in note for note in prepared(rows, items).notes) == 1
    whole = pl.DataFrame({"item_id": ["a", "b", "c"], "title": ["Pen", "Ink", None]})
    assert not [note for note in prepared(rows, whole).notes if "item file" in note]
    assert not any("not in the item file" in note for note in prepared(rows).notes)


def test_a_split_file_that_is_taken_is_not_proposed(tmp_path):
    (tmp_path / "interactions.tsv").write_text("user_id\titem_id\ttimestamp\nu\ta\t1\nu\tb\t2\n")
    (tmp_path / "user_split.tsv").write_text("user_id\tsplit\nu\ttrain\n")
    proposed = "user_split.tsv lies beside the data"
    raw = read(tmp_path)
    assert any(proposed in note for note in prepare(raw).notes)
    taken = prepare(raw, split=str(tmp_path / "user_split.tsv"))
    assert not any(proposed in note for note in taken.notes)


def test_types():
    data = prepared([("u", "a", 1, None), ("v", "b", 2, None)])
    kinds = [a.dtype.name for a in (data.indptr, data.items, data.timestamps, data.parts)]
    assert kinds == ["int64", "int32", "int64", "int8"]
    assert data.user_split.dtype == np.int8


def naive_filter(pairs, name, least):
    """The definition, with counters."""
    rows = list(range(len(pairs)))
    while True:
        before = len(rows)
        for side in (1, 0):
            counts = Counter(pairs[row][side] for row in rows)
            rows = [row for row in rows if counts[pairs[row][side]] >= least]
        if name == "once" or len(rows) == before:
            return rows


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=80),
    st.sampled_from(["once", "core"]),
    st.integers(1, 5),
)
def test_filters_follow_their_definition(pairs, name, least):
    users, items = (np.array([p[side] for p in pairs], dtype=np.uint32) for side in (0, 1))
    kept = np.flatnonzero(filter_mask(users, items, f"{name}:{least}")).tolist()
    assert kept == naive_filter(pairs, name, least)


def test_once_is_not_core():
    """User 1 falls for want of items; then item 0 has one interaction left: only core sees it."""
    users = np.array([0, 0, 1, 2, 2], dtype=np.uint32)
    items = np.array([0, 1, 0, 1, 2], dtype=np.uint32)
    assert filter_mask(users, items, "once:2").tolist() == [True, True, False, False, False]
    assert not filter_mask(users, items, "core:2").any()


@pytest.mark.parametrize("word", ["core", "core:0", "core:x", "twice:5", "core:-1", ""])
def test_unknown_filters(word):
    with pytest.raises(DataError, match="use none, once:N or core:N"):
        filter_mask(np.zeros(1, dtype=np.uint32), np.zeros(1, dtype=np.uint32), word)


def test_a_filter_that_leaves_nothing():
    with pytest.raises(DataError, match="filter core:5 leaves none of 1 interactions"):
        prepared([("u", "a", 1, 0)], filter="core:5")


def test_problems_are_refused():
    with pytest.raises(DataError, match="row 1, column user_id: the id is missing"):
        prepared([(None, "a", 1, 0)])


rows = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "10", "u"]),
        st.sampled_from(["a", "b", "c", "7", "10"]),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(rows, st.randoms(), st.sampled_from(["none", "once:2"]))
def test_the_order_of_rows_does_not_matter(log, random, filter):
    shuffled = list(log)
    random.shuffle(shuffled)
    try:
        one = prepared(log, filter=filter, split="leave-one-out")
    except DataError:
        return
    two = prepared(shuffled, filter=filter, split="leave-one-out")
    assert one.digest == two.digest
    assert sequences(one) == sequences(two)
    for field in ("indptr", "items", "timestamps", "parts", "user_split"):
        assert (getattr(one, field) == getattr(two, field)).all()


def test_the_digest_tells_data_sets_apart():
    log = [("u", "a", 1, None), ("u", "b", 2, None), ("u", "c", 3, None), ("v", "a", 4, None)]
    items = pl.DataFrame({"item_id": ["a"], "title": ["Pen"]})
    others = [
        prepared(log),
        prepared(log, split="leave-one-out"),
        prepared(log, split="users-811"),
        prepared(log, split="users-811:1"),
        prepared(log, items),
        prepared(log, items.with_columns(title=pl.lit("Ink"))),
        prepared(log[:-1]),
        prepared([*log[:-1], ("v", "a", 5, None)]),
    ]
    assert len({data.digest for data in others}) == len(others)
    assert prepared(log).digest == others[0].digest


@pytest.mark.parametrize(
    ("name", "users", "items", "interactions"),
    [
        ("ml-latest-small", 610, 9724, 100_836),
        ("ml-1m", 6040, 3416, 999_611),
        ("amazon-beauty", 22_363, 12_101, 198_502),
        ("amazon-office", 4905, 2420, 53_258),
        ("amazon-grocery", 14_681, 8713, 151_254),
    ],
)
def test_real_data(shared_data, name, users, items, interactions):
    raw = read(shared_data / name)
    assert raw.problems == []
    data = prepare(raw)
    assert data.after == data.before == Counts(users, items, interactions)
    counts = np.bincount(data.items)
    assert (np.diff(counts) <= 0).all()
    assert np.bincount(data.parts).tolist() == [interactions - 2 * users, 0, users, users]


@pytest.mark.parametrize("name", ["amazon-beauty", "amazon-office", "amazon-grocery"])
def test_rows_that_stand_in_time_order_keep_their_order(shared_data, name):
    raw = read(shared_data / name)
    data = prepare(raw, split="none")
    log = raw.interactions
    for user in ("A1YJEY40YUW4SE", "0", "17", data.user_ids[-1]):
        written = log.filter(pl.col("user_id") == user)["item_id"].to_list()
        assert sequences_of(data, user) == written


def sequences_of(data, user):
    if user not in data.user_ids:
        return []
    ix = data.user_ids.index(user)
    return [data.item_ids[item] for item in data.items[data.indptr[ix] : data.indptr[ix + 1]]]


@pytest.mark.parametrize(
    ("filter", "items"), [("once:5", 3650), ("core:5", 3650), ("core:20", 1286)]
)
def test_filters_on_real_data(shared_data, filter, items):
    raw = read(shared_data / "ml-latest-small")
    data = prepare(raw, filter=filter)
    least = int(filter.partition(":")[2])
    assert data.after.items == items
    assert np.bincount(data.items).min() >= (least if filter.startswith("core") else 1)
    assert np.diff(data.indptr).min() >= least
