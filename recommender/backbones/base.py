"""What every model shares: an item table, and histories encoded as K interest vectors.

A model of your own is a subclass in a module of its own, named in ``registry`` or by an entry point
(``docs/how-to-add.md``).

The score of an item is the largest inner product of its vector with the user's interests
(ComiRec, KDD'20, section 3.3); a model with one vector is the case K = 1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

if TYPE_CHECKING:
    from recommender.data.sequences import Batch, Sequences

__all__ = ["Backbone", "BackboneConfig", "Encoded"]

TrainsOn = Literal["one", "all", "none"]


class BackboneConfig(BaseModel):
    """Settings every model has; each model adds its own, and an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    d: int = Field(64, ge=1, description="width of item vectors and interests")
    length: int = Field(50, ge=1, description="items of a history that are read, the last ones")


@dataclass(frozen=True)
class Encoded:
    """A batch of histories as seen by a model.

    Attributes
    ----------
    interests : Tensor ``[B, K, d]``
        Behavioural interests after the last item of each history.
    history_vectors : Tensor ``[B, L, d]``
        Item vectors of the history, zero rows at padding.
    attention : Tensor ``[B, K, L]`` or None
        Share of each item in each interest, zero at padding; None where a model has no such share.
    """

    interests: Tensor
    history_vectors: Tensor
    attention: Tensor | None = None


class Backbone(nn.Module, ABC):
    """History → K interest vectors.

    Parameters
    ----------
    n_items : int
        Number of items V. Item numbers are 1 … V; 0 is padding and is never scored.
    config : BackboneConfig
        Settings of the model.

    Attributes
    ----------
    name : str
        What the model is called in recipes, commands and manifests.
    Config : type
        Its settings.
    trains_on : "one", "all" or "none"
        One random target per user in a step, all positions of the history, or nothing: such a model
        is computed from the training histories by :meth:`prepare`.
    reads_history : bool
        False where every history gets the same scores.
    reads_text : bool
        Whether the model is given the texts of the items, by a method ``take_texts``, before
        :meth:`prepare`.
    default_loss : str or None
        Loss of a recipe that names none; None is the softmax, over a sample of the items where one
        target per user is trained on or the items are many.
    default_readout : str or None
        How K interests become one score while training, where the recipe does not say.
    default_objectives : mapping
        Auxiliary losses that belong to the model, by name, with their settings.
    refinement : nn.Module or None
        While training: item table → refined item table of the same shape, such as a propagation
        over a graph of items. :meth:`settle` puts its result into the table, so that a served model
        needs no graph.
    """

    name: ClassVar[str]
    Config: ClassVar[type[BackboneConfig]] = BackboneConfig
    trains_on: ClassVar[TrainsOn] = "one"
    reads_history: ClassVar[bool] = True
    reads_text: ClassVar[bool] = False
    default_loss: ClassVar[str | None] = None
    default_readout: ClassVar[str | None] = None
    default_objectives: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    init_std: float = 0.02
    extra_rows: ClassVar[int] = 0

    def __init__(self, n_items: int, config: BackboneConfig) -> None:
        super().__init__()
        if n_items < 1:
            raise ValueError(f"a model needs at least one item, not {n_items}")
        self.n_items = n_items
        self.config = config
        self.d = config.d
        self.k: int = getattr(config, "k", 1)
        self.length = config.length
        table = self._fresh_table(n_items + 1 + self.extra_rows, config.d)
        table[0] = 0.0
        self.items = nn.Parameter(table)

        self.refinement: nn.Module | None = None
        self._refined: Tensor | None = None

    def _fresh_table(self, rows: int, d: int) -> Tensor:
        """Item vectors before training, ``[rows, d]``."""
        return torch.empty(rows, d).normal_(std=self.init_std)

    def spread_items(self, std: float) -> None:
        """Scale the fresh item table to another standard deviation, the new ``init_std``."""
        with torch.no_grad():
            self.items.mul_(std / type(self).init_std)
        self.init_std = std

    def table(self) -> Tensor:
        """The item table, ``[V + 1, d]`` and special rows after it, refined while it trains so."""
        if self.refinement is None:
            return self.items
        if self._refined is not None:
            return self._refined
        refined: Tensor = self.refinement(self.items)
        return refined

    @contextmanager
    def refined_once(self) -> Iterator[None]:
        """Inside, a refinement is computed once and not at each look-up."""
        self._refined = None if self.refinement is None else self.table()
        try:
            yield
        finally:
            self._refined = None

    def refine(self, refinement: nn.Module) -> None:
        """Add a refinement of the item table, after those it has."""
        refinement.to(self.items.device)
        chain = [] if self.refinement is None else [self.refinement]
        self.refinement = nn.Sequential(*chain, refinement) if chain else refinement

    def settle(self) -> None:
        """Put the refined vectors into the item table, for serving, and drop the refinement."""
        if self.refinement is not None:
            with torch.no_grad():
                self.items.copy_(self.table())
            self.refinement = None

    def item_embeddings(self) -> Tensor:
        """Item vectors as interests are compared with, ``[V + 1, d]``; row 0 is padding."""
        table = self.table()
        return self.scored(table[: self.n_items + 1] if self.extra_rows else table)

    def scored(self, vectors: Tensor) -> Tensor:
        """Vectors of the item table as interests are compared with, same shape."""
        return vectors

    def lookup(self, *ids: Tensor) -> tuple[Tensor, ...]:
        """Vectors of several id tensors by one gather, ``[*shape, d]`` each.

        The backward pass then fills one gradient table instead of one for each look-up, which is
        a fifth of a small training step.
        """
        if len(ids) == 1:
            return (self.table()[ids[0]],)
        flat = self.table().index_select(0, torch.cat([part.reshape(-1) for part in ids]))
        pieces = torch.split_with_sizes(flat, [part.numel() for part in ids])
        return tuple(
            piece.view(*part.shape, self.d) for piece, part in zip(pieces, ids, strict=True)
        )

    @abstractmethod
    def encode(self, history: Tensor, vectors: Tensor) -> Encoded:
        """Interests of histories ``[B, L]`` whose item vectors ``[B, L, d]`` are at hand."""

    def forward(self, history: Tensor) -> Encoded:
        """Interests of histories.

        Parameters
        ----------
        history : Tensor int64 ``[B, L]``
            Item numbers, oldest first, left-aligned and padded with 0 on the right; L is at most
            ``config.length`` and every row holds at least one item.
        """
        return self.encode(history, self.lookup(history)[0])

    def all_positions(self, history: Tensor, vectors: Tensor | None = None) -> Tensor:
        """Interests after each item of the history, ``[B, L, K, d]``; rows at padding are void.

        Position l sees items 0 … l only. This general form encodes every prefix by itself; a
        causal model replaces it by one pass.
        """
        vectors = self.lookup(history)[0] if vectors is None else vectors
        rows, length = history.shape
        keep = torch.ones(length, length, dtype=torch.bool, device=history.device).tril()
        prefixes = (history[:, None, :] * keep).view(rows * length, length)
        prefix_vectors = (vectors[:, None] * keep[:, :, None]).view(rows * length, length, self.d)
        interests = self.encode(prefixes, prefix_vectors).interests
        return interests.view(rows, length, -1, self.d)

    def corrupt(self, batch: Batch) -> Batch:
        """The batch as this model is trained on it; a cloze model hides items here."""
        return batch

    def prepare(self, sequences: Sequences) -> None:
        """Look at the training sequences once before the first step; most models need nothing."""

    def score(self, interests: Tensor) -> Tensor:
        """Scores of all items ``[B, V]``; column j is the item with ``item_ix`` j.

        Parameters
        ----------
        interests : Tensor ``[B, K, d]``
        """
        table = self.item_embeddings()[1:].T
        best = interests[:, 0] @ table
        for k in range(1, interests.shape[1]):
            best = torch.maximum(best, interests[:, k] @ table)
        return best
