import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from profiler.kernels.median import median


@settings(deadline=None)
@given(arrays(np.float32, st.integers(1, 60), elements=st.floats(-5, 0, width=32)))
def test_median_is_exact(values):
    assert median(values.copy()) == np.median(values)


def test_median_of_a_matrix_with_many_zeros():
    values = -np.abs(np.random.default_rng(0).normal(size=(301, 301))).astype(np.float32)
    values[:100] = 0
    assert median(values.copy()) == np.median(values)
