"""float32 products by oneDNN: taken only where they keep float32's digits."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from recommender import products
from recommender.products import SHAPES, quick_products


@pytest.fixture
def untried():
    """Each test tries the products itself; the process has its switch back afterwards."""
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("this PyTorch cannot be asked for oneDNN's products")
    before = matmul.fp32_precision
    quick_products.cache_clear()
    yield matmul
    matmul.fp32_precision = before
    quick_products.cache_clear()


def test_products_stay_float32_whatever_the_answer(untried):
    quick_products()
    for rows, inner, columns in SHAPES:
        generator = torch.Generator().manual_seed(rows)
        left = torch.randn(rows, inner, generator=generator)
        right = torch.randn(inner, columns, generator=generator)
        wanted = left.double() @ right.double()
        assert float(((left @ right).double() - wanted).abs().max()) < 1e-5 * inner


def test_where_products_are_rounded_the_switch_is_put_back(untried):
    untried.fp32_precision = "ieee"
    with torch.autocast("cpu", torch.bfloat16):  # rounds as matrix units do
        assert not quick_products()
    assert untried.fp32_precision == "ieee"


def test_where_products_are_exact_it_stays(untried):
    untried.fp32_precision = "ieee"
    taken = quick_products()
    assert untried.fp32_precision == ("bf16" if taken else "ieee")


@pytest.mark.parametrize("shape", SHAPES)
def test_the_trial_tells_bfloat16_from_float32(shape):
    assert products._exact(*shape)
    with torch.autocast("cpu", torch.bfloat16):
        assert not products._exact(*shape)


def test_the_random_state_is_left_alone(untried):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    quick_products()
    assert torch.equal(torch.get_rng_state(), before)


def test_ranking_alone_takes_them():
    text = """
import torch
from recommender.evaluation import rank
from recommender.products import quick_products
from recommender.sequences import EvalHistories
one, no = torch.tensor([1]), torch.empty(0, dtype=torch.long)
cases = EvalHistories(one, one[:, None], one, torch.tensor([0, 0]), no, torch.tensor([0, 0]), no)
rank(lambda history: torch.rand(1, 3), cases, 3, 2, keep_seen=True)
print(quick_products.cache_info().currsize)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
