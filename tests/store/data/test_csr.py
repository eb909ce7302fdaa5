"""Compressed rows: bounds, one row, and the same pairs from the other side."""

from __future__ import annotations

import numpy as np

from store.data.csr import row, starts, transpose


def test_bounds_of_rows() -> None:
    assert starts(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert starts(np.array([], dtype=np.int64)).tolist() == [0]


def test_one_row_is_a_view_and_may_be_empty() -> None:
    indptr, values = starts([2, 0, 1]), np.array([5, 6, 7])
    assert [row(indptr, values, i).tolist() for i in range(3)] == [[5, 6], [], [7]]
    row(indptr, values, 2)[0] = 9
    assert values[2] == 9


def test_the_other_side_has_the_same_pairs() -> None:
    rng = np.random.default_rng(0)
    dense = rng.random((7, 5)) < 0.4
    columns = np.nonzero(dense)[1]
    back = transpose(starts(dense.sum(axis=1)), columns, 5)
    assert np.array_equal(back[0], starts(dense.sum(axis=0)))
    for column in range(5):
        assert row(*back, column).tolist() == np.flatnonzero(dense[:, column]).tolist()
