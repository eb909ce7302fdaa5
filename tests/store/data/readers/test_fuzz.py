"""Whatever the bytes, a reader gives rows, named problems or our own errors, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzzing.targets import OPTIONS, SEEDS, read_file
from tests.fuzzing.test_targets import harmed

changes = st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=4)), max_size=6)


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=25, deadline=None)
@given(changes, st.sampled_from(OPTIONS), st.booleans())
def test_only_our_own_errors(name, edits, options, as_items):
    read_file(name, harmed(SEEDS[name], edits), options, as_items=as_items)
