"""The softmax over all items, block by block: no matrix of rows × items is ever kept.

A step over all items is bound by memory: scores, their softmax and its gradient are each as large
as rows × items. Here a block of rows small enough for a processor's cache is scored, normalised and
turned into gradients at once, so that forward and backward together read each score once.

Exponentials are powers of two of scores in units of log 2: PyTorch's ``exp2`` is exact to a
float32's last digit, and on an AMD processor, where MKL computes ``exp``, 4 to 5 times as fast; on
scores so far below the peak that their share underflows some 80 times (``docs/benchmarks.md``).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from recommender.kernels.products import fast_float32_products

BLOCK_FLOATS = 2**19
"""Scores of a block; 2 MiB in float32, about the second-level cache of a core."""
LN2 = math.log(2)


def mean_logsumexp(queries: Tensor, table: Tensor, excluded: Tensor | None = None) -> Tensor:
    """Mean over rows of ``log sum_k sum_v exp(q_k · e_v)``, a scalar.

    With one query per row this is the normaliser of the softmax over items; with K it is that of
    the soft read-out, because a log-sum-exp over interests and one over items are one over both.

    Parameters
    ----------
    queries : Tensor ``[N, K, d]``
    table : Tensor ``[V, d]``
        Both get the gradients they ask for; these are computed along with the value, and cannot be
        differentiated again.
    excluded : Tensor int64 ``[N]``, optional
        A row of the table that each row of the queries leaves out; only for K = 1.

    Raises
    ------
    ValueError
        For ``excluded`` with more than one query per row.
    """
    if excluded is not None and queries.shape[1] != 1:
        raise ValueError(f"excluded needs one query per row, not {queries.shape[1]}")
    mean: Tensor = _MeanLogsumexp.apply(queries, table, excluded)  # type: ignore[no-untyped-call]
    return mean


class _MeanLogsumexp(torch.autograd.Function):
    @staticmethod
    @fast_float32_products()
    def forward(ctx: Any, queries: Tensor, table: Tensor, excluded: Tensor | None) -> Tensor:
        rows, k, _ = queries.shape
        exact = queries.dtype if queries.dtype == torch.float64 else torch.float32
        narrow = exact
        if torch.is_autocast_enabled(queries.device.type):
            narrow = torch.get_autocast_dtype(queries.device.type)
        query_wants, table_wants = ctx.needs_input_grad[:2]
        q, e = queries.detach().to(narrow), table.detach().to(narrow)
        in_bits = (queries.detach().to(exact) / LN2).to(narrow)  # scores in units of log 2
        total = queries.new_zeros((), dtype=exact)
        for_queries = torch.empty_like(queries, dtype=exact) if query_wants else None
        for_table = torch.zeros_like(table, dtype=exact) if table_wants else None
        step = max(1, BLOCK_FLOATS // (k * len(table)))
        # One buffer for all blocks stays in the cache; a new one for each would not.
        buffer = q.new_empty(min(step, rows) * k, len(table))
        for start in range(0, rows, step):
            block = q[start : start + step].reshape(-1, q.shape[2])
            asked = in_bits[start : start + step].reshape(-1, q.shape[2])
            scores = torch.mm(asked, e.T, out=buffer[: len(block)]).to(exact)
            scores = scores.view(-1, k * len(table))
            if excluded is not None:
                scores.scatter_(1, excluded[start : start + step, None], -torch.inf)
            peak = scores.amax(1, keepdim=True)
            mass = scores.sub_(peak).exp2_().sum(1, keepdim=True)
            total += (peak * LN2 + mass.log()).sum()
            if for_queries is None and for_table is None:
                continue
            # Shares are these powers by their mass: the products are scaled, which is less.
            shares = scores.view(-1, len(table)).to(narrow)
            scale = (mass * rows).reciprocal().expand(-1, k).reshape(-1, 1)
            if for_queries is not None:
                gradient = (shares @ e).to(exact).mul_(scale)
                for_queries[start : start + step] = gradient.view(-1, *queries.shape[1:])
            if for_table is not None:
                scaled = (block * scale).to(narrow)
                if narrow == exact:
                    for_table.addmm_(shares.T, scaled)
                else:
                    for_table += shares.T @ scaled
        ctx.save_for_backward(
            None if for_queries is None else for_queries.to(queries.dtype),
            None if for_table is None else for_table.to(table.dtype),
        )
        return total / rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        for_queries, for_table = ctx.saved_tensors
        return (
            None if for_queries is None else gradient * for_queries,
            None if for_table is None else gradient * for_table,
            None,
        )


def mean_logsumexp_with_divergence(
    first: Tensor, second: Tensor, table: Tensor, weight: float
) -> Tensor:
    """Both passes' mean logsumexp and how far their softmaxes over items lie apart, a scalar.

    For two passes of dropout over the same rows (R-Drop, NeurIPS 2021): the mean of
    :func:`mean_logsumexp` of both, plus ``weight`` times the mean over rows of the symmetric
    Kullback-Leibler divergence ``(KL(p | r) + KL(r | p)) / 2``. With K queries per row p and r run
    over interests and items together.

    Parameters
    ----------
    first, second : Tensor ``[N, K, d]``
    table : Tensor ``[V, d]``
        All get gradients, which cannot be differentiated again.
    weight : float
    """
    value: Tensor = _WithDivergence.apply(  # type: ignore[no-untyped-call]
        first, second, table, weight
    )
    return value


class _WithDivergence(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor, table: Tensor, weight: float) -> Tensor:
        with torch.autocast(first.device.type, enabled=False):  # float32 here, bf16 or not
            return _WithDivergence._exact(ctx, first, second, table, weight)

    @staticmethod
    @fast_float32_products()
    def _exact(ctx: Any, first: Tensor, second: Tensor, table: Tensor, weight: float) -> Tensor:
        rows, k, d = first.shape
        exact = torch.promote_types(first.dtype, torch.float32)
        ctx.types = first.dtype, second.dtype, table.dtype
        e = table.detach().to(exact)
        sides = (first.detach().to(exact), second.detach().to(exact))
        grads = tuple(torch.empty_like(side) for side in sides)
        for_table = torch.zeros_like(e)
        total = e.new_zeros(())
        step = max(1, BLOCK_FLOATS // (2 * k * len(e)))
        half = weight / 2 * LN2  # of differences in units of log 2
        for start in range(0, rows, step):
            here = slice(start, start + step)
            blocks = [side[here].reshape(-1, d) for side in sides]
            scores = [(block / LN2 @ e.T).view(-1, k * len(e)) for block in blocks]
            apart = scores[0] - scores[1]
            means = []
            for score in scores:  # in place: from scores to shares
                peak = score.amax(1, keepdim=True)
                mass = score.sub_(peak).exp2_().sum(1, keepdim=True)
                total += (peak * LN2 + mass.log()).sum() / 2
                score.div_(mass)
                means.append(torch.linalg.vecdot(score, apart)[:, None])
            total += half * (means[0] - means[1]).sum()
            p, r = scores
            # d/ds of (KL + KL) / 2 is ((p - r) + p (apart - mean_p apart)) / 2, likewise for r.
            gap = (p - r).mul_(weight / 2)
            slope = apart.mul_(half)
            for_p = p.mul_(slope - (half * means[0] - 0.5)).add_(gap)
            for_r = r.mul_((half * means[1] + 0.5) - slope).sub_(gap)
            for gradient, block, out in zip((for_p, for_r), blocks, grads, strict=True):
                flat = gradient.div_(rows).view(-1, len(e))
                out[here] = (flat @ e).view(-1, k, d)
                for_table.addmm_(flat.T, block)
        ctx.save_for_backward(*grads, for_table)
        return total / rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        first, second, table = (
            (gradient * saved).to(dtype)
            for saved, dtype in zip(ctx.saved_tensors, ctx.types, strict=True)
        )
        return first, second, table, None
