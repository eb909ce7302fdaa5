"""A trained model with the texts of items beside it: both scores are added, by one inner product.

Each item vector gets the item's text at its end, times the item's share, and each interest gets
what the history asks for in words. So lists, explanations, steering and exports work as for any
model, and an item that no training saw can have a share of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.backbones.registry import BACKBONES
from recommender.backbones.text.text import TextOnly, asked
from recommender.base.config_checks import checked


class BlendConfig(BackboneConfig):
    """Settings of :class:`Blend`.

    Attributes
    ----------
    base, base_config : str, dict
        The trained model: its name and settings.
    text_width : int
        Width of the texts.
    """

    base: str = "sasrec"
    base_config: dict[str, Any] = Field(default_factory=dict)
    text_width: int = Field(256, ge=1)


class Blend(Backbone):
    """``score = max_k u_k · e_i + share_i (q · t_i)``, with q the unit mean text of the history."""

    name = "blend"
    trains_on = "none"
    Config = BlendConfig
    config: BlendConfig
    asks: Tensor
    share: Tensor

    def __init__(self, n_items: int, config: BlendConfig) -> None:
        kind = BACKBONES.get_known(config.base)
        base = kind(n_items, checked(kind.Config, config.base_config, f"backbone {kind.name!r}"))
        super().__init__(n_items, config.model_copy(update={"d": config.text_width}))
        self.config = config
        self.base = base
        self.items.requires_grad_(False)
        self.d, self.k, self.length = base.d + config.text_width, base.k, base.length
        self.register_buffer("asks", torch.zeros(n_items + 1, config.text_width))
        self.register_buffer("share", torch.zeros(n_items + 1))

    @classmethod
    def of(cls, base: Backbone, texts: TextOnly) -> Blend:
        """A trained model beside the texts; all shares are 0."""
        config = BlendConfig(
            base=base.name, base_config=base.config.model_dump(), text_width=texts.d
        )
        made = cls(base.n_items, config)
        made.base = base
        with torch.no_grad():
            made.items.copy_(texts.items)
            made.asks.copy_(texts.asks)
        return made.eval()

    def _fresh_table(self, rows: int, d: int) -> Tensor:
        return torch.zeros(rows, d)

    def item_embeddings(self) -> Tensor:
        """Item vectors of the model and, times their shares, of the texts, ``[V + 1, d]``."""
        learned = self.base.item_embeddings()[: self.n_items + 1]
        return torch.cat([learned, self.share[:, None] * self.items], dim=1)

    def forward(self, history: Tensor) -> Encoded:
        """Interests of histories ``[B, L]``."""
        learned = self.base(history).interests
        words = asked(self.asks, history)[:, None].expand(-1, learned.shape[1], -1)
        interests = torch.cat([learned, words.to(learned)], dim=2)
        return Encoded(interests, self.item_embeddings()[history])

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests of histories; the vectors are looked up by the model itself."""
        return self.forward(history)
