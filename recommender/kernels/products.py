"""Matrix products in float32 by the quicker of the two libraries that PyTorch brings for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

SHAPES = ((64, 64, 64), (150, 64, 700), (150, 700, 64), (1, 256, 512))
"""Rows, inner width and columns of the products that are tried; oneDNN picks a kernel by shape."""
TOLERANCE = 1e-5
"""Relative to the largest product; float32 stays near 1e-6, bfloat16 is off by some 1e-3."""


@contextmanager
def fast_float32_products() -> Iterator[None]:
    """Inside, oneDNN multiplies float32 matrices on a processor, where it does so in float32.

    PyTorch hands float32 products to MKL, which takes its wide instructions on Intel's processors
    only: on an AMD one with AVX-512 oneDNN is twice as fast, in the same precision
    (``benchmarks/bench_training.py --kernels``). It makes code for each shape and keeps that of the
    last 1,024, so this is for products of few shapes, such as the blocks of a softmax: around a
    whole step, in which the number of rows is always another, it cost a third of the time.
    """
    if torch.compiler.is_compiling() or not keeps_float32():
        yield
        return
    matmul = _switch()
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before


@cache
def keeps_float32() -> bool:
    """Whether oneDNN can be asked for float32 products and gives them.

    The one public switch also allows it to round to bfloat16. It does that where the processor has
    matrix units, so products are tried first; False, too, where this PyTorch has no such switch.
    """
    matmul = _switch()
    if matmul is None:
        return False
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        with torch.autocast("cpu", enabled=False):  # which rounds by itself
            return all(_exact(*shape) for shape in SHAPES)
    finally:
        matmul.fp32_precision = before


def _switch() -> Any:
    """Where PyTorch keeps the precision of oneDNN's products; None where it has no oneDNN."""
    matmul: Any = getattr(torch.backends.mkldnn, "matmul", None)
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return matmul if available and hasattr(matmul, "fp32_precision") else None


def _exact(rows: int, inner: int, columns: int) -> bool:
    """Whether plain, transposed and batched products of these sizes keep float32's digits."""
    # Not drawn by torch: whoever calls this has seeded it. No value fits bfloat16's 8 bits.
    left, right = _numbers(rows, inner), _numbers(inner, columns)
    wanted = left.double() @ right.double()
    products = (
        left @ right,
        left @ right.T.contiguous().T,
        (left[None].expand(3, -1, -1) @ right[None].expand(3, -1, -1))[1],
        torch.nn.functional.linear(left, right.T.contiguous()),
    )
    allowed = TOLERANCE * float(wanted.abs().max())
    return all(float((one.double() - wanted).abs().max()) <= allowed for one in products)


def _numbers(rows: int, columns: int) -> Tensor:
    return torch.arange(1.0, rows * columns + 1).mul_(0.7548776662).frac_().view(rows, columns)
