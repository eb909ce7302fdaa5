"""Sampling against a plain reading of the same histories."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.data.sequences import Sequences
from store.errors import UserError


def make(histories: list[list[tuple[int, int]]], n_items: int = 30) -> Sequences:
    """Sequences from lists of (item_ix, part)."""
    indptr = np.cumsum([0, *[len(h) for h in histories]])
    flat = [pair for history in histories for pair in history]
    items = np.array([item for item, _ in flat], dtype=np.int32)
    parts = np.array([part for _, part in flat], dtype=np.int8)
    return Sequences(n_items, indptr, items, parts)


histories = st.lists(
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 3)), max_size=12), min_size=1, max_size=8
)


def train_items(history: list[tuple[int, int]]) -> list[int]:
    return [item + 1 for item, part in history if part == 0]


class TestOneTarget:
    @settings(max_examples=80, deadline=None)
    @given(histories, st.integers(1, 15), st.integers(1, 6))
    def test_every_row_is_a_cut_of_its_users_training_items(self, data, length, at_least):
        sequences = make(data)
        if sequences.n_train == 0:
            return
        batch = sequences.one_target(sequences.users.repeat(5), length, at_least=at_least)
        for user, row, size, target in zip(
            batch.users, batch.history, batch.lengths, batch.target, strict=True
        ):
            known = train_items(data[int(user)])
            cuts = range(min(at_least, len(known) - 1), len(known))
            samples = [(known[max(0, cut - length) : cut], known[cut]) for cut in cuts]
            assert (row[:size].tolist(), int(target)) in samples
            assert not row[size:].any()
            assert row[:size].all()

    def test_cuts_are_uniform_from_the_shortest_history_on(self):
        sequences = make([[(item, 0) for item in range(10)]])
        generator = torch.Generator().manual_seed(1)
        users = torch.zeros(12_000, dtype=torch.long)
        drawn = sequences.one_target(users, 5, generator=generator).target
        counts = torch.bincount(drawn, minlength=11)
        assert counts[:5].sum() == 0  # targets are the items after four or more
        assert ((counts[5:] - 2000).abs() < 200).all()

    def test_same_generator_state_gives_the_same_batch(self):
        sequences = make([[(item, 0) for item in range(20)]] * 3)
        users = torch.tensor([0, 1, 2])
        one, two = (
            sequences.one_target(users, 5, generator=torch.Generator().manual_seed(7))
            for _ in range(2)
        )
        assert torch.equal(one.history, two.history)
        assert torch.equal(one.target, two.target)


class TestAllTargets:
    @settings(max_examples=80, deadline=None)
    @given(histories, st.integers(1, 15), st.sampled_from(["last", "random"]))
    def test_targets_are_the_items_after_each_position(self, data, length, window):
        sequences = make(data)
        if sequences.n_train == 0:
            return
        batch = sequences.all_targets(sequences.users, length, window=window)
        for index, user in enumerate(batch.users.tolist()):
            known = train_items(data[user])
            size = int(batch.lengths[index])
            row = batch.history[index, :size].tolist()
            after = batch.targets[index, :size].tolist()
            assert size == min(length, len(known) - 1)
            starts = range(len(known) - size) if window == "random" else [len(known) - size - 1]
            pairs = [(known[s : s + size], known[s + 1 : s + size + 1]) for s in starts]
            assert (row, after) in pairs
            assert int(batch.target[index]) == after[-1]
            assert not batch.history[index, size:].any()
            assert not batch.targets[index, size:].any()

    @settings(max_examples=60, deadline=None)
    @given(histories, st.integers(1, 15), st.integers(1, 5))
    def test_targets_further_ahead_stay_in_the_training_history(self, data, length, ahead):
        sequences = make(data)
        if sequences.n_train == 0:
            return
        batch = sequences.all_targets(sequences.users, length, window="last", ahead=ahead)
        for index, user in enumerate(batch.users.tolist()):
            known = train_items(data[user])
            size = int(batch.lengths[index])
            first = len(known) - 1 - size
            for place in range(size):
                after = known[first + place + 1 : first + place + 1 + ahead]
                assert int(batch.targets[index, place]) in after
            assert not batch.targets[index, size:].any()
            assert batch.target[index] == batch.targets[index, size - 1]

    def test_targets_ahead_are_uniform(self):
        sequences = make([[(item, 0) for item in range(8)]])
        users = torch.zeros(3000, dtype=torch.long)
        first = sequences.all_targets(users, 7, ahead=3).targets[:, 0]
        counts = torch.bincount(first, minlength=6)[2:5]
        assert ((counts - 1000).abs() < 120).all()
        assert counts.sum() == 3000

    def test_random_windows_reach_the_whole_history(self):
        sequences = make([[(item, 0) for item in range(20)]])
        users = torch.zeros(500, dtype=torch.long)
        seen = sequences.all_targets(users, 4).targets.unique().tolist()
        assert seen == list(range(2, 21))


class TestEpoch:
    def test_each_trainable_user_once_and_ranks_apart(self):
        sequences = make([[(1, 0), (2, 0)]] * 9 + [[(1, 0)]])
        whole = sequences.epoch(3, 0)
        assert sorted(whole.tolist()) == list(range(9))
        assert whole.tolist() != sequences.epoch(3, 1).tolist()
        first, second = (sequences.epoch(3, 0, rank, 2) for rank in range(2))
        assert len(first) == len(second) == 4
        assert not set(first.tolist()) & set(second.tolist())


class TestEvalHistories:
    @settings(max_examples=80, deadline=None)
    @given(histories, st.integers(1, 15), st.sampled_from(["valid", "test"]))
    def test_history_and_targets_come_from_the_right_parts(self, data, length, which):
        sequences = make(data)
        known_parts, target_part = ((0, 1), 2) if which == "valid" else ((0, 1, 2), 3)
        expected = {}
        without = 0
        for user, history in enumerate(data):
            known = [item for item, part in history if part in known_parts]
            targets = {item for item, part in history if part == target_part}
            if targets and known:
                expected[user] = ([item + 1 for item in known[-length:]], targets, set(known))
            without += bool(targets and not known)
        if not expected:
            with pytest.raises(UserError, match=which):
                sequences.eval_histories(which, length)
            return
        cases = sequences.eval_histories(which, length)
        assert cases.users.tolist() == sorted(expected)
        assert cases.without_history == without
        for row, user in enumerate(cases.users.tolist()):
            size = int(cases.lengths[row])
            targets = cases.targets[cases.targets_indptr[row] : cases.targets_indptr[row + 1]]
            seen = cases.seen[cases.seen_indptr[row] : cases.seen_indptr[row + 1]]
            assert cases.histories[row, :size].tolist() == expected[user][0]
            assert not cases.histories[row, size:].any()
            assert targets.tolist() == sorted(expected[user][1])
            assert seen.tolist() == sorted(expected[user][2])


def test_an_empty_training_part_is_refused():
    sequences = make([[(1, 1), (2, 3)], [(3, 0)]])
    with pytest.raises(UserError, match="nothing to train on"):
        sequences.check_trainable()


def test_more_processes_than_users_are_refused():
    with pytest.raises(UserError, match="3 processes for 2 training users"):
        make([[(1, 0), (2, 0)], [(3, 0), (4, 0)]]).check_trainable(3)


def test_an_item_beyond_the_table_is_refused():
    with pytest.raises(ValueError, match="30 items"):
        make([[(30, 0)]])
