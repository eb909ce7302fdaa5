"""GIMIRec: items see their global co-occurrence context and the gaps around them (2112.08717)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from pydantic import Field
from torch import Tensor, nn

from recommender.backbones.graph.propagation import Propagation, co_occurrence
from recommender.backbones.multi_interest.pimi import PIMI, PIMIConfig
from recommender.data.sequences import Sequences


class GIMIRecConfig(PIMIConfig):
    """Settings of :class:`GIMIRec`.

    Attributes
    ----------
    blocks : int
        Rounds of PIMI's graph over the history, which the model leaves out.
    window : int
        Largest distance of two items of a history that count as taken together.
    kept : int
        Items kept in the context of each item.
    hops : int
        Steps of the context's propagation.
    """

    blocks: int = Field(0, ge=0)
    window: int = Field(3, ge=1)
    kept: int = Field(50, ge=1)
    hops: int = Field(2, ge=0)


class GIMIRec(PIMI):
    """ComiRec-SA's head over ``x_i = e_i + G_i + P_i + r_i``; interests sum the raw vectors.

    G is ``(E + A E + … + A^n E) / (n + 1)`` with A the normalised counts of users who took two
    items within a window; r_i is PIMI's mean gap vector. We had the abstract only: the equations
    are our reading, gaps are counted in places. A served model keeps G as numbers and needs no
    graph.
    """

    name = "gimirec"
    Config = GIMIRecConfig
    config: GIMIRecConfig
    context: Tensor

    def __init__(self, n_items: int, config: GIMIRecConfig) -> None:
        super().__init__(n_items, config)
        self.register_buffer("context", torch.zeros(n_items + 1, config.d))
        self.propagation: nn.Module | None = None
        self._current: Tensor | None = None

    def prepare(self, sequences: Sequences) -> None:
        """Make the graph of the training histories."""
        graph = co_occurrence(sequences, self.config.window, self.config.kept)
        self.propagation = Propagation(graph, self.config.hops).to(self.items.device)

    @contextmanager
    def refined_once(self) -> Iterator[None]:
        """Inside, the context is computed once."""
        with super().refined_once():
            self._current = self._contexts()
            try:
                yield
            finally:
                self._current = None

    def settle(self) -> None:
        """Keep the context as numbers."""
        super().settle()
        if self.propagation is not None:
            with torch.no_grad():
                self.context.copy_(self._contexts())
            self.propagation = None

    def _contexts(self) -> Tensor:
        if self.propagation is None:
            return self.context
        contexts: Tensor = self.propagation(self.table())
        return contexts

    def _placed(self, history: Tensor, vectors: Tensor) -> Tensor:
        contexts = self._contexts() if self._current is None else self._current
        context = contexts.index_select(0, history.reshape(-1)).view_as(vectors)
        return super()._placed(history, vectors + context)
