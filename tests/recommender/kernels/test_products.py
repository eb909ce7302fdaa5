"""float32 products by oneDNN: taken only where they keep float32's digits, and only inside."""

from __future__ import annotations

import pytest
import torch

from recommender.kernels import products
from recommender.kernels.products import SHAPES, fast_float32_products, keeps_float32
from recommender.kernels.softmax import mean_logsumexp


@pytest.fixture
def switch():
    """Each test tries the products itself; the process has its switch back afterwards."""
    matmul = getattr(torch.backends.mkldnn, "matmul", None)
    if not hasattr(matmul, "fp32_precision"):
        pytest.skip("this PyTorch cannot be asked for oneDNN's products")
    before = matmul.fp32_precision
    matmul.fp32_precision = "ieee"
    keeps_float32.cache_clear()
    yield matmul
    matmul.fp32_precision = before
    keeps_float32.cache_clear()


@pytest.mark.parametrize("shape", [*SHAPES, (152, 64, 12_101), (152, 12_101, 64)])
def test_inside_products_stay_float32(switch, shape):
    rows, inner, columns = shape
    generator = torch.Generator().manual_seed(rows)
    left = torch.randn(rows, inner, generator=generator)
    right = torch.randn(inner, columns, generator=generator)
    with fast_float32_products():
        found = left @ right
    wanted = left.double() @ right.double()
    assert float((found.double() - wanted).abs().max()) < 1e-5 * inner**0.5


def test_inside_the_switch_is_what_the_trial_says_and_outside_as_it_was(switch):
    switch.fp32_precision = "bf16"
    exact = all(products._exact(*shape) for shape in SHAPES)
    switch.fp32_precision = "ieee"
    assert keeps_float32() == exact
    with fast_float32_products():
        assert switch.fp32_precision == ("bf16" if exact else "ieee")
        with fast_float32_products():
            pass
        assert switch.fp32_precision == ("bf16" if exact else "ieee")
    assert switch.fp32_precision == "ieee"


def test_after_an_error_the_switch_is_put_back(switch):
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        mean_logsumexp(torch.ones(2, 1, 3), torch.ones(4, 5))
    assert switch.fp32_precision == "ieee"


def test_where_the_trial_fails_they_are_not_taken(switch, monkeypatch):
    monkeypatch.setattr(products, "TOLERANCE", -1.0)  # no product is as exact as that
    assert not keeps_float32()
    with fast_float32_products():
        assert switch.fp32_precision == "ieee"


def test_the_trial_is_not_misled_by_training_in_bfloat16(switch):
    alone = keeps_float32()
    keeps_float32.cache_clear()
    with torch.autocast("cpu", torch.bfloat16):
        assert keeps_float32() == alone


@pytest.mark.parametrize("shape", SHAPES)
def test_the_trial_tells_bfloat16_from_float32(shape):
    assert products._exact(*shape)
    with torch.autocast("cpu", torch.bfloat16):
        assert not products._exact(*shape)


def test_the_random_state_is_left_alone(switch):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    keeps_float32()
    assert torch.equal(torch.get_rng_state(), before)
