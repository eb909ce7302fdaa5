"""A recommender that needs no training: texts of a history against the texts of items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from store.data.linear import principal_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 256
"""Longest vectors that are kept: what is longer is turned to its principal axes."""


class TextConfig(BackboneConfig):
    """Settings of :class:`TextOnly`.

    Attributes
    ----------
    d : int
        Width of the vectors; the store's texts decide it, up to 256.
    interest_share : float
        What the stored interests that an item of the history shows count beside its own text.
    """

    d: int = Field(WIDTH, ge=1)
    interest_share: float = Field(0.3, ge=0)


class TextOnly(Backbone):
    """Scores an item by the cosine of its text and the mean text of the history.

    To the text of an item of the history the words of the stored interests that it shows are added,
    so that a history asks for what a language model read in it.
    """

    name = "text"
    trains_on = "none"
    reads_text = True
    Config = TextConfig
    config: TextConfig
    asks: Tensor

    def __init__(self, n_items: int, config: TextConfig) -> None:
        super().__init__(n_items, config)
        self.items.requires_grad_(False)
        self.register_buffer("asks", torch.zeros(n_items + 1, config.d))

    def _fresh_table(self, rows: int, d: int) -> Tensor:
        return torch.zeros(rows, d)

    def take_texts(
        self, texts: NDArray[np.float32], interests: NDArray[np.float32] | None = None
    ) -> None:
        """Take the texts of the items, and of the interests that they show.

        Parameters
        ----------
        texts, interests
            float32 ``[V, d_t]``; a zero row where an item has no text, or shows no interest.
        """
        space = text_space(texts, self.d)
        asks = texts if interests is None else texts + self.config.interest_share * interests
        with torch.no_grad():
            self.items[1:] = padded(texts @ space, self.d)
            self.asks[1:] = padded(asks @ space, self.d)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """The unit mean of what the items of a history ask for, ``[B, 1, d]``."""
        return Encoded(asked(self.asks, history)[:, None], vectors)


def text_space(texts: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Axes ``[d_t, min(width, d_t)]`` that keep inner products of texts as well as may be."""
    if texts.shape[1] <= width:
        return np.eye(texts.shape[1], dtype=np.float32)
    axes: NDArray[np.float32] = principal_axes(texts, width).astype(np.float32)
    return axes


def padded(rows: NDArray[np.float32], width: int) -> Tensor:
    """Rows with zeros up to a width."""
    return F.pad(torch.from_numpy(np.ascontiguousarray(rows)), (0, width - rows.shape[1]))


def asked(asks: Tensor, history: Tensor) -> Tensor:
    """The unit mean of rows of ``asks`` over histories ``[B, L]``, ``[B, d]``; row 0 is zero."""
    return F.normalize(asks[history].sum(1), dim=1)
