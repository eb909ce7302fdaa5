"""Vectors brought to one length, against PyTorch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from recommender.kernels.rescaling import rescaled


@settings(deadline=None, max_examples=50)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    length=st.floats(0.1, 10),
    zeros=st.booleans(),
    seed=st.integers(0, 99),
)
def test_value_and_gradient_are_those_of_normalising(shape, length, zeros, seed):
    generator = torch.Generator().manual_seed(seed)
    mine = torch.randn(*shape, generator=generator, dtype=torch.float64)
    if zeros:
        mine[0] = 0
    theirs = mine.clone().requires_grad_()
    mine.requires_grad_()
    weights = torch.randn(*shape, generator=generator, dtype=torch.float64)
    out, expected = rescaled(mine, length), F.normalize(theirs, dim=-1) * length
    torch.testing.assert_close(out, expected)
    (out * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_a_gradient_it_is_the_same(dtype):
    vectors = torch.randn(5, 8, generator=torch.Generator().manual_seed(1)).to(dtype)
    with_gradient = rescaled(vectors.clone().requires_grad_(), 2.0)
    assert with_gradient.dtype == dtype
    torch.testing.assert_close(rescaled(vectors, 2.0), with_gradient.detach())


def test_the_input_is_left_as_it_is():
    vectors = torch.ones(3, 4, requires_grad=True)
    rescaled(vectors, 3.0).sum().backward()
    assert torch.equal(vectors.detach(), torch.ones(3, 4))


def test_a_second_derivative_is_refused_and_not_wrong():
    vectors = torch.ones(3, 4, requires_grad=True)
    cubes = rescaled(vectors, 3.0)[:, 0].pow(3).sum()
    (slope,) = torch.autograd.grad(cubes, vectors, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        slope.sum().backward()
