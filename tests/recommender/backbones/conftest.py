"""One history for all reference checks, and weights as NumPy arrays in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

HISTORY = [3, 1, 4, 1, 5]
LENGTH = 7


@pytest.fixture
def padded() -> torch.Tensor:
    """The history, padded on the right."""
    return torch.tensor([HISTORY + [0] * (LENGTH - len(HISTORY))])


@pytest.fixture
def known() -> list[int]:
    """The history without padding."""
    return list(HISTORY)


@pytest.fixture
def weights():
    """Function: model → its parameters and buffers as float64 arrays."""

    def read(model: nn.Module) -> dict[str, NDArray[np.float64]]:
        # Weights away from their starting values, so that no bias is zero and no norm is one.
        torch.manual_seed(11)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        return {name: value.double().numpy() for name, value in model.state_dict().items()}

    return read
