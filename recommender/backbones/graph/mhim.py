"""The hypergraph encoder of MHIM, with stored interests as hyperedges (2305.04798)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, BackboneConfig, Encoded


class MHIMConfig(BackboneConfig):
    """Settings of :class:`MHIM`."""

    length: int = Field(20, ge=1)
    heads: int = Field(4, ge=1)


class MHIM(Backbone):
    """A history's mean after one attention over itself, on item vectors refined by interests.

    Refining is the objective ``hypergraph``, which belongs to the model: an interest is a hyperedge
    over the items that show it. Of the conversational system nothing else is here: no knowledge
    graph, no pre-training by contrast, no dialogues and no generated text.
    """

    name = "mhim"
    Config = MHIMConfig
    config: MHIMConfig
    default_objectives: ClassVar[Mapping[str, Mapping[str, Any]]] = {"hypergraph": {}}

    def __init__(self, n_items: int, config: MHIMConfig) -> None:
        super().__init__(n_items, config)
        if config.d % config.heads:
            raise ValueError(f"width {config.d} is not divisible by {config.heads} heads")
        self.qkv = nn.Linear(config.d, 3 * config.d)
        self.out = nn.Linear(config.d, config.d)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """``mean([C ; mean(attention(C, C))])`` of the item vectors C."""
        mask = history > 0
        vectors = vectors * mask[:, :, None]
        parts = self.qkv(vectors).view(*history.shape, 3, self.config.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None])
        read = self.out(read.transpose(1, 2).flatten(2)) * mask[:, :, None]
        number = mask.sum(1, keepdim=True).clamp(min=1)
        user = (vectors.sum(1) + read.sum(1) / number) / (number + 1)
        return Encoded(user[:, None], vectors)
