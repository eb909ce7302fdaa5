"""HyMiRec: coarse interests of a long history, from codes, refined beside the recent items."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from recommender.backbones.base import Backbone, BackboneConfig, Encoded
from recommender.backbones.coded.codebook import Lengths, decode, encode
from recommender.backbones.coded.content import Content, content_vectors
from recommender.backbones.coded.refiners import TransformerRefiner
from recommender.backbones.sequential.layers import Layout
from recommender.data.sequences import Sequences

AGES = 16
"""Powers of two of the distance from the end that the coarse part tells apart."""


class HyMiRecConfig(BackboneConfig):
    """Settings of :class:`HyMiRec`.

    Attributes
    ----------
    length : int
        Items of a history that are read from their codes.
    recent : int
        Of those, the last ones that the refiner reads as vectors.
    k, coarse : int
        Interests, and coarse interests of the long history.
    content : "histories" or "items"
        What is coded: who took what, or the item table as it starts (with a text start).
    centres, code_layers : int
        Size of the codebook; 0 layers keep the vectors as they are.
    code_lengths : "stored" or "mean"
        Two more bytes for each code, or the mean length of its centre.
    layers, heads, dropout
        The refiner.
    language_model : str or None
        Folder of a language model that refines in place of the transformer. It is read from the
        folder, never fetched, and its own weights stay as they are.
    """

    length: int = Field(200, ge=1)
    recent: int = Field(20, ge=1)
    k: int = Field(4, ge=1)
    coarse: int = Field(4, ge=1)
    content: Content = "histories"
    centres: int = Field(256, ge=1, le=32_767)
    code_layers: int = Field(4, ge=0, le=16)
    code_lengths: Lengths = "stored"
    layers: int = Field(2, ge=1)
    heads: int = Field(2, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    language_model: str | None = None


class HyMiRec(Backbone):
    """K refined interests out of ``[coarse interests; recent items; K queries]``.

    The whole history is read from the codes of its items: a head of attention for each coarse
    interest sums what the codes give. A causal refiner then reads coarse interests, the vectors of
    the recent items and K learned queries; what it makes of the queries are the interests. We had
    the abstract of the paper (arXiv 2510.13738) and the code of a sibling (RED-Rec, arXiv
    2510.14788): the coarse part, the age of an item and the small transformer as a refiner are our
    reading, and so is training item vectors beside the codes, which stay as they were made.
    """

    name = "hymirec"
    Config = HyMiRecConfig
    default_objectives: ClassVar[Mapping[str, Mapping[str, Any]]] = {"dmil": {}}
    config: HyMiRecConfig
    centres: Tensor
    codes: Tensor
    code_lengths: Tensor
    reconstruction: Tensor

    def __init__(self, n_items: int, config: HyMiRecConfig) -> None:
        super().__init__(n_items, config)
        d = config.d
        self._size = min(config.centres, n_items)
        self._add_codes(n_items + 1, d)
        self.adapter = nn.Linear(d, d)
        self.ages = nn.Parameter(torch.empty(AGES, d).normal_(std=0.02))
        self.inner = nn.Linear(d, d)
        self.head = nn.Linear(d, config.coarse)
        self.positions = nn.Parameter(torch.empty(config.recent, d).normal_(std=0.02))
        self.queries = nn.Parameter(torch.empty(config.k, d).normal_(std=0.02))
        self.refiner: nn.Module
        if config.language_model is None:
            tokens = config.coarse + config.recent + config.k
            self.refiner = TransformerRefiner(
                d, config.layers, config.heads, config.dropout, tokens
            )
        else:
            from recommender.backbones.coded.language_model import LanguageModelRefiner

            self.refiner = LanguageModelRefiner(config.language_model, d)

    def _add_codes(self, rows: int, d: int) -> None:
        """Buffers of the codes; without layers ``centres`` holds the vectors themselves."""
        layers, exact = self.config.code_layers, self.config.code_layers == 0
        kind = torch.uint8 if self._size <= 256 else torch.int16
        stored = layers if self.config.code_lengths == "stored" else 0
        shape = (1, rows, d) if exact else (layers, self._size, d)
        self.register_buffer("centres", torch.zeros(shape))
        self.register_buffer("codes", torch.zeros(rows, layers, dtype=kind))
        self.register_buffer("code_lengths", torch.zeros(rows, stored, dtype=torch.float16))
        self.register_buffer("reconstruction", torch.tensor(0.0))

    def prepare(self, sequences: Sequences) -> None:
        """Make the codes of the items, and keep how near they come to the vectors."""
        content = content_vectors(self, sequences, self.config.content)
        if not self.config.code_layers:
            self.centres[0, 1:] = F.normalize(content, dim=1)
            self.reconstruction.fill_(1.0)
            return
        book = encode(
            content,
            size=self._size,
            layers=self.config.code_layers,
            lengths=self.config.code_lengths,
        )
        self.centres.copy_(book.centres)
        self.codes[1:] = book.codes.to(self.codes)
        if book.lengths is not None:
            self.code_lengths[1:] = book.lengths.to(self.code_lengths)
        known = content.norm(dim=1) > 0
        near = F.cosine_similarity(book.decode(), content, dim=1)[known]
        self.reconstruction.copy_(near.mean() if len(near) else torch.tensor(0.0))

    @property
    def bytes_per_item(self) -> int:
        """What the long history needs of an item, the centres apart."""
        if not self.config.code_layers:
            return self.d * self.centres.element_size()
        parts = (self.codes, self.code_lengths)
        return sum(part.shape[1] * part.element_size() for part in parts)

    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests of the history."""
        mask = history > 0
        vectors = vectors * mask[:, :, None]
        recent, there = self._recent(vectors, mask)
        coarse = self._coarse(history, mask)
        queries = self.queries.expand(len(history), -1, -1)
        tokens = torch.cat([coarse, recent, queries], 1)
        always = there.new_ones(len(history), 1)
        there = torch.cat(
            [always.expand(-1, coarse.shape[1]), there, always.expand(-1, queries.shape[1])], 1
        )
        return Encoded(self.refiner(tokens, there)[:, -self.k :], vectors)

    def _coarse(self, history: Tensor, mask: Tensor) -> Tensor:
        """Coarse interests ``[B, coarse, d]`` of the whole history, from its codes."""
        layout = Layout.of(history)
        back = layout.pack(_distance_from_the_end(mask))
        age = (back + 1).float().log2().long().clamp(max=AGES - 1)
        x = self.adapter(self._content(layout.pack(history))) + self.ages[age]
        logits = layout.spread(self.head(torch.tanh(self.inner(x))), -math.inf)
        coarse: Tensor = logits.softmax(1).transpose(1, 2) @ layout.spread(x)
        return coarse

    def _content(self, items: Tensor) -> Tensor:
        """What is known of items before training, ``[N, d]``, as the codes give it."""
        if not self.config.code_layers:
            return self.centres[0][items]
        lengths = self.code_lengths[items] if self.code_lengths.shape[1] else None
        return decode(self.centres, self.codes[items], lengths)

    def _recent(self, vectors: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors of the last items ``[B, R, d]``, oldest first, and which of them are there."""
        size = min(self.config.recent, vectors.shape[1])
        lengths = mask.sum(1, keepdim=True)
        place = torch.arange(size, device=mask.device) + (lengths - size).clamp(min=0)
        there = place < lengths
        place = place.clamp(max=vectors.shape[1] - 1)
        recent = vectors.gather(1, place[:, :, None].expand(-1, -1, self.d))
        back = (lengths - 1 - place).clamp(min=0)
        return (recent + self.positions[back]) * there[:, :, None], there


def _distance_from_the_end(mask: Tensor) -> Tensor:
    """0 at the last item of each history, 1 at the one before; 0 at padding."""
    places = torch.arange(mask.shape[1], device=mask.device)
    return (mask.sum(1, keepdim=True) - 1 - places).clamp(min=0)
