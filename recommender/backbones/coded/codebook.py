"""A cosine residual codebook: item vectors as a few small numbers each.

After HyMiRec (arXiv 2510.13738), of which we had the abstract and a summary of its two equations.
Each layer clusters the directions that are left by balanced k-means, gives each vector the centre
of the largest cosine, and takes away the vector's projection on that centre. What is left is
orthogonal to the centre just used, so it never grows. How the authors keep the length of each
projection is not known; both ways are here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Lengths = Literal["stored", "mean"]

LOOSE = 1.1
"""A cluster may hold this many times its even share."""
SMALLEST = 1e-6


@dataclass(frozen=True)
class Codebook:
    """Vectors as codes.

    Attributes
    ----------
    centres : Tensor ``[layers, size, d]``
        Unit vectors; where lengths are ``mean``, times the mean length of their members.
    codes : Tensor uint8 or int16 ``[n, layers]``
        The centre of each vector in each layer.
    lengths : Tensor float16 ``[n, layers]`` or None
        Length of the projection on each centre; None where the centres hold the mean.
    """

    centres: Tensor
    codes: Tensor
    lengths: Tensor | None

    @property
    def bytes_per_item(self) -> int:
        """What one vector takes, the centres apart."""
        kept = [self.codes, *([] if self.lengths is None else [self.lengths])]
        return sum(part.shape[1] * part.element_size() for part in kept)

    def decode(self) -> Tensor:
        """Return all vectors as the codes give them, ``[n, d]``."""
        return decode(self.centres, self.codes, self.lengths)


def decode(centres: Tensor, codes: Tensor, lengths: Tensor | None) -> Tensor:
    """Sum the centres of each vector, each times its length.

    Parameters
    ----------
    centres : Tensor ``[layers, size, d]``
    codes : Tensor ``[..., layers]``
    lengths : Tensor ``[..., layers]`` or None

    Returns
    -------
    Tensor
        ``[..., d]``.
    """
    total = centres.new_zeros(*codes.shape[:-1], centres.shape[2])
    for layer, table in enumerate(centres):
        part = table[codes[..., layer].long()]
        if lengths is not None:
            part = part * lengths[..., layer, None].to(part)
        total = total + part
    return total


def encode(
    vectors: Tensor,
    *,
    size: int = 256,
    layers: int = 4,
    lengths: Lengths = "stored",
    iterations: int = 10,
    seed: int = 0,
) -> Codebook:
    """Make a codebook of vectors and the codes of each.

    Parameters
    ----------
    vectors : Tensor ``[n, d]``
        Their direction is what is kept; a zero vector stays zero.
    size : int
        Centres in each layer, at most n and at most 32,767. Up to 256 a code takes one byte.
    layers : int
        Codes of each vector.
    lengths : "stored" or "mean"
        Two bytes for each code, or the mean of a centre's members, which takes nothing.
    iterations : int
        Of the k-means of each layer.
    seed : int
        Decides the first centres.

    Raises
    ------
    ValueError
        If there are more centres than vectors, or more than a code can name.
    """
    if not 1 <= size <= min(len(vectors), 32_767):
        raise ValueError(f"{size} centres for {len(vectors)} vectors; take 1 to {len(vectors)}")
    rest = F.normalize(vectors.float(), dim=1)
    generator = torch.Generator().manual_seed(seed)
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    for _ in range(layers):
        centres = _centres(rest, size, iterations, generator)
        code = (rest @ centres.T).argmax(1)
        length = (rest * centres[code]).sum(1)
        rest = rest - length[:, None] * centres[code]
        if lengths == "mean":
            count = torch.bincount(code, minlength=size).clamp(min=1)
            mean = torch.zeros(size).index_add(0, code, length) / count
            centres = centres * mean[:, None]
        kept.append((centres, code, length))
    dtype = torch.uint8 if size <= 256 else torch.int16
    return Codebook(
        torch.stack([centres for centres, _, _ in kept]),
        torch.stack([code for _, code, _ in kept], 1).to(dtype),
        torch.stack([length for _, _, length in kept], 1).half() if lengths == "stored" else None,
    )


def _centres(rest: Tensor, size: int, iterations: int, generator: torch.Generator) -> Tensor:
    """Balanced k-means of directions: unit centres ``[size, d]``."""
    norms = rest.norm(dim=1)
    directions: Tensor = rest[norms > SMALLEST] / norms[norms > SMALLEST, None]
    if len(directions) < size:  # little is left: further centres would have no member
        return F.pad(directions, (0, 0, 0, size - len(directions)))
    centres: Tensor = directions[torch.randperm(len(directions), generator=generator)[:size]]
    room = int(LOOSE * len(directions) / size) + 1
    for _ in range(iterations):
        member = balanced(directions @ centres.T, room)
        sums = torch.zeros_like(centres).index_add_(0, member, directions)
        found = sums.norm(dim=1, keepdim=True) > SMALLEST
        centres = torch.where(found, F.normalize(sums, dim=1), centres)
    return centres


def balanced(similarity: Tensor, room: int) -> Tensor:
    """Give each row its most similar column that has room; the most similar rows go first.

    Parameters
    ----------
    similarity : Tensor ``[n, size]``
    room : int
        Most rows of a column; ``room * size`` must be at least n.

    Returns
    -------
    Tensor
        int64 ``[n]``.
    """
    n, size = similarity.shape
    left = similarity.clone()
    member = torch.full((n,), -1)
    sizes = torch.zeros(size, dtype=torch.long)
    waiting = torch.arange(n)
    while len(waiting):
        best, column = left[waiting].max(1)
        # Rows by column, the most similar first: a row's place among those of its column decides.
        order = torch.argsort(best, descending=True, stable=True)
        order = order[torch.argsort(column[order], stable=True)]
        sorted_column = column[order]
        start = torch.searchsorted(sorted_column, torch.arange(size))
        place = torch.arange(len(order)) - start[sorted_column] + sizes[sorted_column]
        taken = place < room
        member[waiting[order[taken]]] = sorted_column[taken]
        sizes += torch.bincount(sorted_column[taken], minlength=size)
        left[:, sizes >= room] = -torch.inf
        waiting = waiting[order[~taken]]
    return member
