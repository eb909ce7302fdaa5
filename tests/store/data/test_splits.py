"""The rules of each split, and that the seed reproduces the published user splits."""

from __future__ import annotations

import gzip
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.data.natural_order import natural_order
from store.data.prepare import prepare
from store.data.readers import read
from store.data.splits import (
    NO_TIME,
    Part,
    Split,
    UserSplit,
    assign_parts,
    by_time,
    hold_out,
    leave_one_out,
    parse_split,
    read_user_split,
    shuffle_users,
)
from store.errors import DataError

T, N, V, X = Part.TRAIN, Part.INPUT, Part.VALID, Part.TEST
histories = st.lists(st.integers(1, 12), min_size=1, max_size=12)


def pointers(lengths) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def test_the_numbers_of_parts_and_sides_are_those_in_the_tables():
    """Mutant: another number for a part; stores and models of earlier versions hold these."""
    assert [(part.name, part.value) for part in Part] == [
        ("TRAIN", 0), ("INPUT", 1), ("VALID", 2), ("TEST", 3),
    ]  # fmt: skip
    assert [(side.name, side.value) for side in UserSplit] == [
        ("TRAIN", 0), ("VALID", 1), ("TEST", 2),
    ]  # fmt: skip


def test_leave_one_out():
    parts = leave_one_out(pointers([1, 2, 3, 5]))
    assert parts.tolist() == [T, T, T, T, V, X, T, T, T, V, X]


@pytest.mark.parametrize(
    ("length", "inputs"), [(1, 0), (2, 1), (4, 3), (5, 4), (6, 4), (9, 7), (10, 8)]
)
def test_held_out_users_give_the_floor_of_four_fifths(length, inputs):
    for side, target in ((UserSplit.VALID, V), (UserSplit.TEST, X)):
        parts = hold_out(pointers([2, length]), np.array([0, side], dtype=np.int8))
        assert parts.tolist() == [T, T] + [N] * inputs + [target] * (length - inputs)


def test_users_811_takes_first_tenths_of_a_seeded_shuffle():
    sides = shuffle_users(4905)
    assert np.bincount(sides).tolist() == [3924, 490, 491]
    assert (shuffle_users(4905) == sides).all()
    assert (shuffle_users(4905, 1) != sides).any()
    assert np.bincount(shuffle_users(3), minlength=3).tolist() == [2, 0, 1]


@pytest.mark.parametrize("name", ["ml-1m", "amazon-office"])
def test_seed_1230_gives_the_published_user_splits(shared_data, name):
    listed, _ = read_user_split(shared_data / name / "user_split.tsv.gz")
    sides = shuffle_users(len(listed), 1230)
    assert [listed[user] for user in natural_order(list(listed))] == sides.tolist()


def test_a_split_file_gives_what_the_seed_gives(shared_data):
    raw = read(shared_data / "amazon-office")
    path = shared_data / "amazon-office" / "user_split.tsv.gz"
    given_, drawn = (prepare(raw, split=split) for split in (str(path), "users-811"))
    assert given_.split == Split("file", str(path))
    assert drawn.split == Split("users-811", "1230")
    assert (given_.parts == drawn.parts).all()
    assert (given_.user_split == drawn.user_split).all()
    assert np.bincount(given_.user_split).tolist() == [3924, 490, 491]


def test_time():
    seconds = np.arange(20) * 86_400  # 20 days from 1970-01-01
    parts = by_time(seconds, "1970-01-11")
    assert parts.tolist() == [T] * 9 + [V] + [X] * 10


def test_a_date_with_an_offset_is_that_moment():
    """Mutant: every date taken for one of Greenwich."""
    times = np.array([0, 1, 79_199, 79_200])
    assert by_time(times, "1970-01-02T00:00:00+02:00").tolist() == [T, T, V, X]
    assert by_time(np.array([0, 1, 86_399, 86_400]), "1970-01-02").tolist() == [T, T, V, X]


def test_time_keeps_equal_times_together():
    seconds = np.array([0, 5, 5, 5, 9, 86_400])
    assert by_time(seconds, "1970-01-02").tolist() == [T, T, T, T, V, X]
    assert by_time(np.array([0, 5, 5, 5, 5, 86_400]), "1970-01-02").tolist() == [T, V, V, V, V, X]


@given(st.lists(st.integers(0, 10**6), min_size=3), st.integers(1, 9 * 10**5))
def test_time_never_trains_on_what_is_as_late_as_a_target(seconds, cut):
    times = np.array(seconds)
    date = str(np.datetime64(cut, "s"))
    try:
        parts = by_time(times, date)
    except DataError:
        return
    assert times[parts == T].max() < times[parts == V].min()
    assert times[parts == V].max() < cut <= times[parts == X].min()


def test_time_needs_times_and_both_sides():
    with pytest.raises(DataError, match="1 of 3 have none"):
        by_time(np.array([1, NO_TIME, 3]), "1970-01-02")
    with pytest.raises(DataError, match="leaves no interaction from it on"):
        by_time(np.array([1, 2, 3]), "2020-01-01")
    with pytest.raises(DataError, match=r"before it: the data run from 1970-01-01 to 1970-01-01"):
        by_time(np.array([1, 2, 3]), "1960-01-01")
    with pytest.raises(DataError, match="nothing to train on"):
        by_time(np.array([5, 5, 90_000]), "1970-01-02")


@given(histories, st.sampled_from(["leave-one-out", "users-811", "none"]))
def test_every_split_keeps_time_within_a_user(lengths, name):
    """No user's target comes before what is known of that user."""
    indptr = pointers(lengths)
    users = [str(number) for number in range(len(lengths))]
    times = np.zeros(indptr[-1], dtype=np.int64)
    parts, sides = assign_parts(Split(name), users, indptr, times)
    for user, (start, end) in enumerate(pairwise(indptr.tolist())):
        own = parts[start:end]
        target = np.isin(own, [V, X])
        assert (np.diff(target.astype(int)) >= 0).all()
        if name == "users-811":
            assert (own == T).all() == (sides[user] == UserSplit.TRAIN)
        else:
            assert sides[user] == 0
            assert not (own == N).any()
    assert len(parts) == indptr[-1]
    assert (name == "none") <= (parts == T).all()


class TestFile:
    def write(self, path, text):
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
        return path

    @pytest.mark.parametrize("name", ["s.csv", "s.tsv", "s.tsv.gz"])
    def test_forms(self, tmp_path, name):
        text = "user_id,split\na,train\nb,valid\nc,test\n"
        path = self.write(tmp_path / name, text.replace(",", "\t" if "tsv" in name else ","))
        assert read_user_split(path) == (
            {"a": UserSplit.TRAIN, "b": UserSplit.VALID, "c": UserSplit.TEST},
            name,
        )
        split = parse_split(str(path))
        parts, sides = assign_parts(
            split, ["a", "c"], pointers([2, 2]), np.zeros(4, dtype=np.int64)
        )
        assert (parts.tolist(), sides.tolist()) == ([T, T, N, X], [0, 2])

    def test_missing_users_are_named(self, tmp_path):
        path = self.write(tmp_path / "s.csv", "user_id,split\n0,train\n")
        for number, end in ((11, "10;"), (12, "10, …;")):
            users, times = [str(one) for one in range(number)], np.zeros(number, dtype=np.int64)
            with pytest.raises(DataError) as refusal:
                assign_parts(Split("file", str(path)), users, pointers([1] * number), times)
            told = f"s.csv lacks {number - 1} of {number} users: 1, 2, 3, 4, 5, 6, 7, 8, 9, "
            assert told + end in str(refusal.value)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("user_id,split\na,dev\n", r"s\.csv, row 2, column split: 'dev' is not train"),
            ("user_id,split\na,train\na,test\n", r"s\.csv, row 3: user 'a' is given two splits"),
            (
                "user_id,part\na,train\n",
                r"s\.csv has no column 'split'; its columns are user_id, part",
            ),
            ("user_id,split\n,train\n", r"s\.csv, row 2, column user_id"),
            ("", r"s\.csv: the file is empty"),
            ("user_id,split\na\n", r"s\.csv, row 2: 1 field where the header has 2"),
        ],
    )
    def test_bad_files(self, tmp_path, text, words):
        with pytest.raises(DataError, match=words):
            read_user_split(self.write(tmp_path / "s.csv", text))


def test_words_of_the_option(tmp_path):
    assert parse_split("leave-one-out") == Split("leave-one-out")
    assert parse_split("none") == Split("none")
    assert parse_split("users-811") == Split("users-811", "1230")
    assert parse_split("users-811", seed=5) == parse_split("users-811:5") == Split("users-811", "5")
    assert parse_split("time:2014-01-31") == Split("time", "2014-01-31")
    assert str(Split("time", "2014-01-31")) == "time:2014-01-31"
    with pytest.raises(DataError, match=r"time:yesterday is not a date"):
        parse_split("time:yesterday")
    for text in ("none.tsv", "users-811:x", "users:5"):
        with pytest.raises(DataError, match=f"unknown split {text!r}"):
            parse_split(text)
    with pytest.raises(ValueError, match="unknown split"):
        assign_parts(Split("half"), ["a"], pointers([1]), np.zeros(1, dtype=np.int64))
