"""Matrix products in float32 by the quicker of the two libraries that PyTorch brings for them."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

SHAPES = ((64, 64, 64), (150, 64, 700), (150, 700, 64), (1, 256, 512))
"""Rows, inner width and columns of the products that are tried; oneDNN picks a kernel by shape."""
TOLERANCE = 1e-5
"""Relative to the largest product; float32 stays below 1e-6, bfloat16 is off by some 1e-3."""


@cache
def quick_products() -> bool:
    """Let oneDNN multiply float32 matrices, where it does so in float32; for the whole process.

    PyTorch hands float32 products to MKL, which takes its wide instructions on Intel's processors
    only: on an AMD one with AVX-512 oneDNN is 2.2 times as fast, in the same precision
    (``benchmarks/bench_training.py --kernels``). The one public switch also allows it to round to
    bfloat16. It does that where the processor has matrix units, so products are tried first, and
    where one is rounded the switch is put back.

    Returns
    -------
    bool
        Whether oneDNN multiplies now; False where it would round, is missing, or cannot be asked.
    """
    matmul: Any = getattr(torch.backends.mkldnn, "matmul", None)
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not available or not hasattr(matmul, "fp32_precision"):
        return False
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    if all(_exact(rows, inner, columns) for rows, inner, columns in SHAPES):
        return True
    matmul.fp32_precision = before
    return False


def _exact(rows: int, inner: int, columns: int) -> bool:
    """Whether plain, transposed and batched products of these sizes keep float32's digits."""
    # Not drawn by torch: whoever calls this has seeded it. No value fits bfloat16's 8 bits.
    left, right = _numbers(rows, inner), _numbers(inner, columns)
    wanted = left.double() @ right.double()
    found = (
        left @ right,
        left @ right.T.contiguous().T,
        (left[None].expand(3, -1, -1) @ right[None].expand(3, -1, -1))[1],
        torch.nn.functional.linear(left, right.T.contiguous()),
    )
    allowed = TOLERANCE * float(wanted.abs().max())
    return all(float((one.double() - wanted).abs().max()) <= allowed for one in found)


def _numbers(rows: int, columns: int) -> Tensor:
    return torch.arange(1.0, rows * columns + 1).mul_(0.7548776662).frac_().view(rows, columns)
