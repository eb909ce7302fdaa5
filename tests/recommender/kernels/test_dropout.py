"""Dropout from bytes: its rate, its scale, its gradient."""

from __future__ import annotations

import pytest
import torch

from recommender.kernels.dropout import Dropout


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_rate_scale_and_gradient(p):
    torch.manual_seed(0)
    layer = Dropout(p)
    x = torch.ones(400, 501, requires_grad=True)
    out = layer(x)
    rate = layer.cut / 256
    assert rate == pytest.approx(p, abs=1 / 512)
    dropped = (out == 0).double().mean().item()
    assert dropped == pytest.approx(rate, abs=5 * (rate * (1 - rate) / x.numel()) ** 0.5)
    assert out.max().item() == pytest.approx(1 / (1 - rate))
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_neighbours_are_independent():
    torch.manual_seed(1)
    kept = (Dropout(0.5)(torch.ones(80_000)) > 0).double()
    for lag in range(1, 17):
        both = (kept[:-lag] * kept[lag:]).mean().item()
        assert both == pytest.approx(0.25, abs=0.01)


def test_serving_and_a_rate_of_nought_change_nothing():
    x = torch.randn(7)
    assert torch.equal(Dropout(0.0)(x), x)
    assert torch.equal(Dropout(0.4).eval()(x), x)


def test_the_global_seed_decides():
    torch.manual_seed(3)
    one = Dropout(0.4)(torch.ones(100))
    torch.manual_seed(3)
    assert torch.equal(one, Dropout(0.4)(torch.ones(100)))


@pytest.mark.parametrize("p", [-0.1, 1.0])
def test_an_impossible_rate_is_refused(p):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        Dropout(p)
