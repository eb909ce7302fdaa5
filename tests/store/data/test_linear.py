"""Principal axes against the singular value decomposition, and bounds of rows."""

from __future__ import annotations

import numpy as np

from store.data.linear import principal_axes


def test_axes_are_those_of_the_singular_value_decomposition() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 6)) * [5, 4, 3, 2, 1, 0.5]
    centred = rows - rows.mean(0)
    axes = principal_axes(centred, 3)
    _, _, wanted = np.linalg.svd(centred)
    assert np.allclose(np.abs(wanted[:3] @ axes), np.eye(3), atol=1e-10)
    assert (axes[np.abs(axes).argmax(0), range(3)] > 0).all()
    assert principal_axes(centred, 99).shape == (6, 6)
