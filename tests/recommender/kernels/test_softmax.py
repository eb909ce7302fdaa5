"""The blocked softmax against PyTorch's own, values and gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from recommender.kernels import softmax
from recommender.kernels.softmax import mean_logsumexp, mean_logsumexp_with_divergence


def plain(queries, table, excluded=None):
    scores = torch.einsum("nkd,vd->nkv", queries, table)
    if excluded is not None:
        scores = scores.scatter(2, excluded[:, None, None], -torch.inf)
    return scores.flatten(1).logsumexp(1).mean()


def sample(rows, k, items, d, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    queries = torch.randn(rows, k, d, generator=generator, dtype=dtype) * 3
    table = torch.randn(items, d, generator=generator, dtype=dtype)
    return queries.requires_grad_(), table.requires_grad_(), generator


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 9),
    k=st.integers(1, 3),
    items=st.integers(2, 12),
    block=st.integers(1, 60),
    leave_out=st.booleans(),
    seed=st.integers(0, 99),
)
def test_value_and_gradients_are_the_plain_ones(rows, k, items, block, leave_out, seed):
    queries, table, generator = sample(rows, k, items, 4, seed)
    excluded = None
    if leave_out and k == 1:
        excluded = torch.randint(items, (rows,), generator=generator)
    before, softmax.BLOCK_FLOATS = softmax.BLOCK_FLOATS, block
    try:
        mine = mean_logsumexp(queries, table, excluded)
    finally:
        softmax.BLOCK_FLOATS = before
    (3 * mine).backward()
    got = queries.grad.clone(), table.grad.clone()
    queries.grad = table.grad = None
    theirs = plain(queries, table, excluded)
    (3 * theirs).backward()
    torch.testing.assert_close(mine, theirs)
    torch.testing.assert_close(got[0], queries.grad)
    torch.testing.assert_close(got[1], table.grad)


@pytest.mark.parametrize("fixed", ["queries", "table"])
def test_what_asks_for_no_gradient_gets_none_and_the_other_its_own(fixed):
    queries, table, _ = sample(5, 2, 7, 3, 1)
    mean_logsumexp(queries, table).backward()
    both = {"queries": queries.grad.clone(), "table": table.grad.clone()}
    given = {"queries": queries.detach().clone(), "table": table.detach().clone()}
    free = "table" if fixed == "queries" else "queries"
    given[free].requires_grad_()
    mean_logsumexp(given["queries"], given["table"]).backward()
    assert given[fixed].grad is None
    torch.testing.assert_close(given[free].grad, both[free])


def test_with_targets_it_is_cross_entropy_in_float32():
    queries, table, generator = sample(500, 1, 700, 16, 0, torch.float32)
    targets = torch.randint(700, (500,), generator=generator)
    mine = mean_logsumexp(queries, table) - (queries[:, 0] * table[targets]).sum(1).mean()
    theirs = F.cross_entropy(queries[:, 0] @ table.T, targets)
    torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


def test_huge_scores_stay_finite():
    queries = torch.full((3, 1, 2), 1e4, requires_grad=True)
    table = torch.tensor([[1.0, 1.0], [-1.0, -1.0]], requires_grad=True)
    loss = mean_logsumexp(queries, table)
    loss.backward()
    assert loss.item() == pytest.approx(2e4)
    assert torch.isfinite(queries.grad).all()
    assert torch.isfinite(table.grad).all()


def test_under_autocast_it_is_near_and_float32():
    queries, table, _ = sample(64, 2, 90, 16, 1, torch.float32)
    exact = plain(queries, table)
    with torch.autocast("cpu", torch.bfloat16):
        near = mean_logsumexp(queries, table)
    near.backward()
    assert near.dtype == queries.grad.dtype == table.grad.dtype == torch.float32
    assert near.item() == pytest.approx(exact.item(), rel=0.02)


def test_agreement_under_autocast_is_that_without():
    first, table, _ = sample(5, 1, 9, 4, 2, torch.float32)
    second = (first.detach() + 0.1).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = mean_logsumexp_with_divergence(first, second, table, 0.5)
        mixed.backward()
    got = first.grad.clone(), second.grad.clone(), table.grad.clone()
    first.grad = second.grad = table.grad = None
    exact = mean_logsumexp_with_divergence(first, second, table, 0.5)
    exact.backward()
    torch.testing.assert_close(mixed, exact)
    for mine, theirs in zip(got, (first.grad, second.grad, table.grad), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_nothing_is_kept_where_no_gradient_is_wanted():
    queries, table, _ = sample(5, 1, 7, 4, 2)
    with torch.inference_mode():
        torch.testing.assert_close(mean_logsumexp(queries, table), plain(queries, table))


def test_excluded_is_for_one_query_only():
    queries, table, _ = sample(5, 2, 7, 4, 3)
    with pytest.raises(ValueError, match="one query per row, not 2"):
        mean_logsumexp(queries, table, torch.zeros(5, dtype=torch.int64))


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 9),
    k=st.integers(1, 3),
    items=st.integers(2, 12),
    block=st.integers(1, 60),
    weight=st.sampled_from([0.0, 0.5, 2.0]),
    seed=st.integers(0, 99),
)
def test_agreement_of_two_passes_is_the_plain_one(rows, k, items, block, weight, seed):
    first, table, _ = sample(rows, k, items, 4, seed)
    second, _, _ = sample(rows, k, items, 4, seed + 1)
    before, softmax.BLOCK_FLOATS = softmax.BLOCK_FLOATS, block
    try:
        mine = mean_logsumexp_with_divergence(first, second, table, weight)
    finally:
        softmax.BLOCK_FLOATS = before
    (3 * mine).backward()
    got = [side.grad.clone() for side in (first, second, table)]
    first.grad = second.grad = table.grad = None
    p, r = ((side @ table.T).flatten(1).log_softmax(1) for side in (first, second))
    apart = (
        F.kl_div(r, p, reduction="none", log_target=True).sum(1)
        + F.kl_div(p, r, reduction="none", log_target=True).sum(1)
    ) / 2
    mass = (plain(first, table) + plain(second, table)) / 2
    expected = mass + weight * apart.mean()
    (3 * expected).backward()
    assert torch.allclose(mine, expected, atol=1e-9)
    for gradient, side in zip(got, (first, second, table), strict=True):
        assert torch.allclose(gradient, side.grad, atol=1e-9)


def test_a_second_derivative_is_refused_and_not_wrong():
    queries, table, _ = sample(5, 1, 7, 4, 4)
    square = mean_logsumexp(queries, table).square()
    (slope,) = torch.autograd.grad(square, queries, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        slope.sum().backward()
