"""Vectors brought to one length, with a gradient of three passes over memory instead of a dozen."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

EPSILON = 1e-12


def rescaled(vectors: Tensor, length: float) -> Tensor:
    """``length * v / |v|`` along the last axis, same shape; zeros stay zeros.

    The gradient cannot be differentiated again, and says so where that is tried.
    """
    if not (vectors.requires_grad and torch.is_grad_enabled()):  # an ONNX export, too
        return F.normalize(vectors, dim=-1, eps=EPSILON) * length
    out: Tensor = _Rescaled.apply(vectors, length)  # type: ignore[no-untyped-call]
    return out


class _Rescaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, length: float) -> Tensor:
        norm = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True).clamp_min_(EPSILON)
        factor = norm.reciprocal_().mul_(length)
        out: Tensor = vectors * factor
        ctx.save_for_backward(out, factor)
        ctx.length = length
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        # With u = v / |v| the gradient is length / |v| (g - u (u · g)).
        out, factor = ctx.saved_tensors
        along = torch.linalg.vecdot(out, gradient)[..., None].mul_(factor / -(ctx.length**2))
        return (gradient * factor).addcmul_(out, along), None
