"""A data set and a file together are what reading both at once gives.

Faults behind these tests: a daily export that overlaps with yesterday's doubled every event; new
users of a split by users moved users that were asked about into the held-out part.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.data.dataset import Dataset
from store.data.growing.merging import Merged, merge, read_digest
from store.data.prepare import Prepared, prepare
from store.data.readers import read

Row = tuple[str, str, int]


def frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    columns = {"user_id": pl.String, "item_id": pl.String, "timestamp": pl.Int64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def dataset_of(prepared: Prepared) -> Dataset:
    return Dataset(
        prepared.user_ids,
        prepared.item_ids,
        prepared.titles,
        prepared.categories,
        prepared.indptr,
        prepared.items,
        prepared.timestamps,
        prepared.parts,
        prepared.user_split,
        prepared.split,
    )


def added(before: Prepared, rows: Sequence[tuple[Any, ...]], **how: Any) -> tuple[Merged, Prepared]:
    """What a data set with more rows comes to."""
    merged = merge(dataset_of(before), ["{}"] * len(before.item_ids), read(frame(rows)))
    return merged, prepare(merged.raw, split=before.split, sides=merged.sides, **how)


events = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("123456"), st.integers(0, 500)),
    min_size=2,
    max_size=40,
    unique_by=lambda row: (row[0], row[2]),  # no two events of a user in one second
)


@settings(max_examples=60, deadline=None)
@given(rows=events, data=st.data(), split=st.sampled_from(["leave-one-out", "none"]))
def test_parts_in_any_order_come_to_the_whole(rows: list[Row], data: Any, split: str) -> None:
    whole = prepare(read(frame(rows)), split=split)
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows) - 1), max_size=3)))
    bounds = [0, *cuts, len(rows)]
    parts = [shuffled[a:b] for a, b in pairwise(bounds)]
    found = prepare(read(frame(parts[0])), split=split)
    for part in parts[1:]:
        # what is there already is read again and counts once
        _, found = added(found, [*part, *parts[0]])
    assert found.digest == whole.digest


def test_what_is_there_counts_once_and_a_second_copy_as_often_as_the_file_has_more() -> None:
    before = prepare(read(frame([("a", "1", 10), ("a", "1", 10), ("b", "2", 20)])), split="none")
    merged, after = added(before, [("a", "1", 10)] * 3 + [("b", "2", 21)])
    assert (merged.new, merged.known) == (2, 2)
    assert len(after.items) == 5


def test_late_events_are_put_in_their_place() -> None:
    before = prepare(read(frame([("a", "1", 10), ("a", "3", 30)])), split="none")
    _, after = added(before, [("a", "2", 20)])
    assert [after.item_ids[item] for item in after.items] == ["1", "2", "3"]


def test_without_times_what_is_new_comes_last_in_its_own_order() -> None:
    columns = {"user_id": pl.String, "item_id": pl.String, "position": pl.Int64}
    first = pl.DataFrame([("a", "1", 5), ("a", "2", 6)], schema=columns, orient="row")
    later = pl.DataFrame([("a", "9", 2), ("a", "1", 3)], schema=columns, orient="row")
    before = prepare(read(first), split="none")
    merged = merge(dataset_of(before), ["{}", "{}"], read(later))
    after = prepare(merged.raw, split="none")
    assert (merged.new, merged.known) == (2, 0)  # without a time nobody knows a repeat
    assert [after.item_ids[item] for item in after.items] == ["1", "2", "9", "1"]


def test_users_keep_their_side_and_new_ones_do_not_move_them() -> None:
    rows = [(f"u{user:02}", str(item), item) for user in range(40) for item in range(5)]
    before = prepare(read(frame(rows)), split="users-811")
    more = [(f"n{user:03}", str(item), item) for user in range(200) for item in range(5)]
    _, after = added(before, more)
    sides = dict(zip(after.user_ids, after.user_split.tolist(), strict=True))
    old = zip(before.user_ids, before.user_split.tolist(), strict=True)
    assert all(sides[user] == side for user, side in old)
    held_out = sum(sides[user] > 0 for user in sides if user.startswith("n"))
    assert 20 <= held_out <= 60  # a fifth of 200
    _, other_way = added(before, more[500:])
    again = dict(zip(other_way.user_ids, other_way.user_split.tolist(), strict=True))
    assert all(sides[user] == side for user, side in again.items())


def test_texts_of_the_file_go_before_stored_ones_and_none_is_lost() -> None:
    items = pl.DataFrame({"item_id": ["1", "2"], "title": ["Pen", "Ink"], "brand": ["A", "B"]})
    before = prepare(read((frame([("a", "1", 1), ("a", "2", 2)]), items)), split="none")
    later = pl.DataFrame({"item_id": ["2", "3"], "title": ["Blue ink", "Nib"]})
    merged = merge(
        dataset_of(before),
        ['{"brand":"A"}', '{"brand":"B"}'],
        read((frame([("a", "3", 3)]), later)),
    )
    after = prepare(merged.raw, split="none")
    titles = dict(zip(after.item_ids, after.titles, strict=True))
    assert titles == {"1": "Pen", "2": "Blue ink", "3": "Nib"}
    assert after.extra[after.item_ids.index("1")] == {"brand": "A"}


@pytest.mark.parametrize("others", [[("a", "1", 11)], [("a", "2", 10)], [("b", "1", 10)]])
def test_the_address_of_a_file_is_its_rows_in_any_order(others: list[Row]) -> None:
    rows = [("a", "1", 10), ("b", "2", 20)]
    assert read_digest(read(frame(rows))) == read_digest(read(frame(rows[::-1])))
    assert read_digest(read(frame(rows))) != read_digest(read(frame([*others, rows[1]])))
