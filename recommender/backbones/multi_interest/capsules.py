"""Dynamic routing between items and interest capsules (Sabour et al., NeurIPS'17; ComiRec-DR)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Axis = Literal["interests", "sequence"]


def squash(x: Tensor) -> Tensor:
    """Shrink vectors to length below one: ``|x|² / (1 + |x|²) · x / |x|``."""
    square = x.square().sum(-1, keepdim=True)
    return square / (1 + square) * x / (square + 1e-9).sqrt()


def route(
    votes: Tensor, mask: Tensor, logits: Tensor, iterations: int, axis: Axis
) -> tuple[Tensor, Tensor]:
    """Capsules from the votes of items.

    Parameters
    ----------
    votes : Tensor ``[B, K, L, d]``
        What item l says of interest k.
    mask : Tensor bool ``[B, L]``
    logits : Tensor ``[B, K, L]``
        Routing logits to start from.
    iterations : int
        All but the last work on votes without gradient.
    axis : "interests" or "sequence"
        What the coupling of an item is normalised over. The authors' TensorFlow code takes the
        interests; ports to PyTorch take the sequence, padding included. Here padding is left out,
        or a user's capsules would depend on how far its history is padded.

    Returns
    -------
    (Tensor ``[B, K, d]``, Tensor ``[B, K, L]``)
        Capsules and the last coupling, zero at padding.
    """
    still = votes.detach()
    inside = mask[:, None]
    for step in range(iterations):
        used = votes if step == iterations - 1 else still
        if axis == "interests":
            coupling = logits.softmax(1) * inside
        else:
            hidden = logits.masked_fill(~inside, torch.finfo(logits.dtype).min)
            coupling = hidden.softmax(2) * inside
        capsules = squash(torch.einsum("bkl,bkld->bkd", coupling, used))
        if step < iterations - 1:
            logits = logits + torch.einsum("bkld,bkd->bkl", still, capsules)
    return capsules, coupling
