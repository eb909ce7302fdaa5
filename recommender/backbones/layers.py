"""Transformer layers shared by the attention models."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head self-attention over ``[B, L, d]``, causal or with padding masked."""

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"width {d} is not divisible by {heads} heads")
        self.heads = heads
        self.dropout = dropout
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Attend; without a mask position l sees 0 … l, with one (bool ``[B, L]``) it sees those.

        Padding stands on the right, so a causal model never sees it from a valid position.
        """
        rows, length, d = x.shape
        qkv = self.qkv(x).view(rows, length, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=None if mask is None else mask[:, None, None],
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=mask is None,
        )
        out: Tensor = self.out(mixed.transpose(1, 2).reshape(rows, length, d))
        return out


class FeedForward(nn.Module):
    """Two dense layers position by position, or SwiGLU without biases (``gated``)."""

    def __init__(
        self, d: int, hidden: int, dropout: float, *, gated: bool = False, gelu: bool = False
    ) -> None:
        super().__init__()
        self.gate = nn.Linear(d, hidden, bias=False) if gated else None
        self.inner = nn.Linear(d, hidden, bias=not gated)
        self.outer = nn.Linear(hidden, d, bias=not gated)
        self.dropout = nn.Dropout(dropout)
        self.gelu = gelu

    def forward(self, x: Tensor) -> Tensor:
        """``outer(dropout(activation(inner(x))))``."""
        hidden = self.inner(x)
        if self.gate is not None:
            hidden = hidden * F.silu(self.gate(x))
        else:
            hidden = F.gelu(hidden) if self.gelu else F.relu(hidden)
        out: Tensor = self.outer(self.dropout(hidden))
        return out


class PreNormBlock(nn.Module):
    """``x + f(norm(x))`` for attention and feed-forward; with ``gated`` the LiGR form.

    LiGR (in eSASRec, arXiv 2508.06450) multiplies each sublayer by ``sigmoid(W x)`` and uses
    SwiGLU.
    """

    def __init__(
        self, d: int, heads: int, dropout: float, *, hidden: int | None = None, gated: bool = False
    ) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(d)
        self.norm_forward = nn.LayerNorm(d)
        self.attention = Attention(d, heads, dropout)
        self.forward_layer = FeedForward(d, hidden or d, dropout, gated=gated)
        self.dropout = nn.Dropout(dropout)
        self.gates = nn.ModuleList([nn.Linear(d, d), nn.Linear(d, d)]) if gated else None

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """One block, ``[B, L, d]`` to the same shape."""
        x = x + self._gate(0, x, self.attention(self.norm_attention(x), mask))
        return x + self._gate(1, x, self.forward_layer(self.norm_forward(x)))

    def _gate(self, which: int, x: Tensor, sublayer: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(sublayer)
        return dropped if self.gates is None else torch.sigmoid(self.gates[which](x)) * dropped


class PostNormBlock(nn.Module):
    """``norm(x + f(x))`` for attention and a GELU feed-forward layer, as in BERT."""

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(d, heads, dropout)
        self.forward_layer = FeedForward(d, 4 * d, dropout, gelu=True)
        self.norm_attention = nn.LayerNorm(d)
        self.norm_forward = nn.LayerNorm(d)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """One block, ``[B, L, d]`` to the same shape; ``mask`` is True at what may be seen."""
        x = self.norm_attention(x + self.dropout(self.attention(x, mask)))
        out: Tensor = self.norm_forward(x + self.dropout(self.forward_layer(x)))
        return out


def start_normal(module: nn.Module, std: float = 0.02) -> None:
    """Normal weights and zero biases for every dense layer, as transformers are started."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
