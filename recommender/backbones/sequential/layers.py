"""Transformer layers shared by the attention models; they work on items without padding.

Most of a batch of short histories is padding. Dense layers, norms and dropout therefore see the
items of all histories in one row after another, ``[N, d]``; only attention itself puts them back
into ``[B, L]``, and in training on a processor into groups of like length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.kernels.dropout import Dropout

_EDGES = torch.tensor([6, 12, 24, 48, 96, 192, 384])
"""Longest histories of the groups; finer ones cost in small products what they save in padding."""


@dataclass(frozen=True)
class Layout:
    """Where the N items of a batch stand in its ``[B, L]`` rows.

    Attributes
    ----------
    mask : Tensor bool ``[B, L]``
    index : Tensor int64 ``[N]``
        Place ``row * L + column`` of each packed item.
    parts : tuple of Layout
        Groups of histories of like length, in packed order, each as wide as its longest; empty
        where the batch is not grouped.
    full : bool
        Nothing is padding, so that packed and padded are the same numbers.
    """

    mask: Tensor
    index: Tensor
    parts: tuple[Layout, ...] = ()
    full: bool = False

    @classmethod
    def of(cls, history: Tensor, *, grouped: bool = False) -> Layout:
        """Layout of histories padded with 0 on the right.

        Parameters
        ----------
        history : Tensor int64 ``[B, L]``
        grouped : bool
            Attend within groups of like length, which saves a processor most of the padding; a
            GPU would only wait for the sizes, and keeps one group.
        """
        mask = history > 0
        if not grouped or history.device.type != "cpu":
            return cls(mask, mask.view(-1).nonzero()[:, 0])
        lengths = mask.sum(1)
        group = torch.bucketize(lengths, _EDGES)
        order = group.argsort(stable=True)
        row, column = mask[order].nonzero(as_tuple=True)
        sizes = [n for n in group.bincount().tolist() if n]
        masks = torch.split(mask[order], sizes)
        return cls(mask, order[row] * mask.shape[1] + column, tuple(map(_narrow, masks)))

    def pack(self, padded: Tensor) -> Tensor:
        """``[B, L, …]`` to ``[N, …]``."""
        flat = padded.reshape(-1, *padded.shape[2:])
        return flat if self.full else flat.index_select(0, self.index)

    def spread(self, packed: Tensor, empty: float = 0.0) -> Tensor:
        """``[N, …]`` to ``[B, L, …]``, ``empty`` at padding."""
        rows, length = self.mask.shape
        if self.full:
            return packed.view(rows, length, *packed.shape[1:])
        padded = packed.new_full((rows * length, *packed.shape[1:]), empty)
        return padded.index_copy(0, self.index, packed).view(rows, length, *packed.shape[1:])

    def place(self, positions: Tensor) -> Tensor:
        """Position vectors ``[L_max, d]`` of the items, ``[N, d]``."""
        return positions.index_select(0, self.index % self.mask.shape[1])

    def within(self, function: Callable[..., Tensor], *packed: Tensor) -> Tensor:
        """Apply ``function(layout, *padded)`` to whole histories, group by group.

        Parameters
        ----------
        function : callable
            Padded tensors ``[b, l, …]`` and their layout to one of the same first two axes.
        *packed : Tensor
            ``[N, …]`` each.

        Returns
        -------
        Tensor
            ``[N, …]``.
        """
        parts = self.parts or (self,)
        sizes = [len(part.index) for part in parts]
        pieces = zip(*(torch.split(p, sizes) for p in packed), strict=True)
        results = [
            part.pack(function(part, *map(part.spread, piece)))
            for part, piece in zip(parts, pieces, strict=True)
        ]
        return results[0] if len(results) == 1 else torch.cat(results)


def _narrow(mask: Tensor) -> Layout:
    """Layout of a group: as wide as its longest history."""
    mask = mask[:, : int(mask.sum(1).max())]
    index = mask.reshape(-1).nonzero()[:, 0]
    return Layout(mask, index, full=len(index) == mask.numel())


class Attention(nn.Module):
    """Multi-head self-attention within each history, causal or over all of its items."""

    def __init__(self, d: int, heads: int, dropout: float, *, causal: bool) -> None:
        super().__init__()
        if d % heads:
            raise ValueError(f"width {d} is not divisible by {heads} heads")
        self.heads = heads
        self.dropout = Dropout(dropout)
        self.causal = causal
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, d)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """``[N, d]`` to the same shape.

        Padding stands on the right, so in the causal case no item ever sees it.
        """
        # One product each: the gradients of a joint one would have to be put side by side.
        parts = zip(self.qkv.weight.chunk(3), self.qkv.bias.chunk(3), strict=True)
        qkv = (F.linear(x, weight, bias) for weight, bias in parts)
        out: Tensor = self.out(layout.within(self._mixed, *qkv))
        return out

    def _mixed(self, layout: Layout, *qkv: Tensor) -> Tensor:
        """Values mixed by attention; queries, keys and values ``[b, l, d]`` to the same shape."""
        rows, length, width = qkv[0].shape
        q, k, v = (part.view(rows, length, self.heads, -1).transpose(1, 2) for part in qkv)
        if self.training and self.dropout.p:
            mixed = self._dropped(q, k, v, layout)
        else:
            mask = None if self.causal else layout.mask[:, None, None]
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal)
        return mixed.transpose(1, 2).reshape(rows, length, width)

    def _dropped(self, q: Tensor, k: Tensor, v: Tensor, layout: Layout) -> Tensor:
        """Attention whose shares are dropped; PyTorch's own takes a slow way on a processor."""
        if self.causal:
            hidden = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool, device=q.device).triu(1)
        else:
            hidden = ~layout.mask[:, None, None]
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        mixed: Tensor = self.dropout(scores.masked_fill(hidden, -torch.inf).softmax(-1)) @ v
        return mixed


class FeedForward(nn.Module):
    """Two dense layers position by position, or SwiGLU without biases (``gated``)."""

    def __init__(
        self, d: int, hidden: int, dropout: float, *, gated: bool = False, gelu: bool = False
    ) -> None:
        super().__init__()
        self.gate = nn.Linear(d, hidden, bias=False) if gated else None
        self.inner = nn.Linear(d, hidden, bias=not gated)
        self.outer = nn.Linear(hidden, d, bias=not gated)
        self.dropout = Dropout(dropout)
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
        self.attention = Attention(d, heads, dropout, causal=True)
        self.forward_layer = FeedForward(d, hidden or d, dropout, gated=gated)
        self.dropout = Dropout(dropout)
        self.gates = nn.ModuleList([nn.Linear(d, d), nn.Linear(d, d)]) if gated else None

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """One block, ``[N, d]`` to the same shape."""
        x = x + self._gate(0, x, self.attention(self.norm_attention(x), layout))
        return x + self._gate(1, x, self.forward_layer(self.norm_forward(x)))

    def _gate(self, which: int, x: Tensor, sublayer: Tensor) -> Tensor:
        dropped: Tensor = self.dropout(sublayer)
        return dropped if self.gates is None else torch.sigmoid(self.gates[which](x)) * dropped


class PostNormBlock(nn.Module):
    """``norm(x + f(x))`` for attention and a GELU feed-forward layer, as in BERT."""

    def __init__(self, d: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(d, heads, dropout, causal=False)
        self.forward_layer = FeedForward(d, 4 * d, dropout, gelu=True)
        self.norm_attention = nn.LayerNorm(d)
        self.norm_forward = nn.LayerNorm(d)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, layout: Layout) -> Tensor:
        """One block, ``[N, d]`` to the same shape."""
        x = self.norm_attention(x + self.dropout(self.attention(x, layout)))
        out: Tensor = self.norm_forward(x + self.dropout(self.forward_layer(x)))
        return out


def start_normal(module: nn.Module, std: float = 0.02) -> None:
    """Normal weights and zero biases for every dense layer, as transformers are started."""
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
