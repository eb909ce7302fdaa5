"""Users with planted clusters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def planted_users(
    n: int, d: int = 32, seed: int = 0, per: int = 30, noise: float = 0.8
) -> np.ndarray:
    """Unit vectors ``[n, d]`` around ``n / per`` centres."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(max(3, n // per), d))
    rows = centres[random.integers(len(centres), size=n)] + noise * random.normal(size=(n, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)


@pytest.fixture(scope="session")
def planted() -> Callable[..., np.ndarray]:
    return planted_users
