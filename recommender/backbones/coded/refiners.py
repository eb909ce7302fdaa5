"""A small causal transformer over soft tokens, some of which may be missing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recommender.backbones.sequential.layers import Layout, PreNormBlock, start_normal


class TransformerRefiner(nn.Module):
    """Causal transformer over tokens, those that are there side by side.

    Parameters
    ----------
    d, layers, heads, dropout
        Width, blocks, heads of attention, share that is dropped while training.
    tokens : int
        Maximum number of tokens of a row.
    """

    def __init__(self, d: int, layers: int, heads: int, dropout: float, tokens: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([PreNormBlock(d, heads, dropout) for _ in range(layers)])
        self.places = nn.Parameter(torch.empty(tokens, d).normal_(std=0.02))
        self.norm = nn.LayerNorm(d)
        start_normal(self.blocks)

    def forward(self, tokens: Tensor, there: Tensor) -> Tensor:
        """Read the tokens.

        Parameters
        ----------
        tokens : Tensor ``[B, T, d]``
        there : Tensor bool ``[B, T]``
            Missing tokens are seen by nobody.

        Returns
        -------
        Tensor
            ``[B, T, d]``, zeros where a token is missing.
        """
        order, back = left_aligned(there)
        index = order[:, :, None].expand(-1, -1, tokens.shape[2])
        layout = Layout.of(there.gather(1, order).long())
        x = layout.pack(tokens.gather(1, index)) + layout.place(self.places)
        for block in self.blocks:
            x = block(x, layout)
        read = layout.spread(self.norm(x))
        return read.gather(1, back[:, :, None].expand(-1, -1, read.shape[2]))


def left_aligned(there: Tensor) -> tuple[Tensor, Tensor]:
    """Orders of the columns ``[B, T]`` that put those that are there first, and back again."""
    order = (~there).to(torch.int8).argsort(dim=1, stable=True)
    return order, order.argsort(1)
