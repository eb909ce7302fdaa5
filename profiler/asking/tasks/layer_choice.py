"""Which descriptions by layer are asked for, and whom that makes due."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from profiler.asking.tasks.neighbourhoods import NEIGHBOURS, TEXT_TOKENS
from profiler.choices import Who
from profiler.llm.port import OFFLINE
from store.tables.tasks.descriptions import Node

TOKEN_BUDGET = 3_000
MAX_TOKENS = 1_000
"""Of an answer: fifty words take some ninety."""


@dataclass(frozen=True)
class LayerChoice:
    """Which descriptions are asked for.

    Attributes
    ----------
    layer
        From 1.
    who, neighbours, seed
        Of :class:`~.neighbourhoods.Neighbourhoods`.
    token_budget
        Most tokens of the texts of one question; where there are more, the next question carries
        on with what was answered.
    model
        Who is asked; what stands in for a model replaces only its own descriptions.
    template_digest
        The question; a description that answers another one is asked for anew.
    only_pending
        Leave what has any description.
    retry
        Ask about quarantined users and items, and about no others.
    """

    layer: int = 1
    who: Who = "exemplars"
    neighbours: int = NEIGHBOURS
    seed: int = 0
    token_budget: int = TOKEN_BUDGET
    model: str = OFFLINE
    template_digest: str = ""
    only_pending: bool = False
    retry: bool = False

    @property
    def chunk(self) -> int:
        """Neighbours of one question: as many as surely fit, whatever their texts will be."""
        return max(1, self.token_budget // TEXT_TOKENS - 1)


class LayerChoices(BaseModel):
    """What files and batches of questions leave open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layers: int = Field(1, ge=1)
    who: Who = "exemplars"
    neighbours: int = Field(NEIGHBOURS, ge=1)
    seed: int = 0


@dataclass(frozen=True)
class Due:
    """Users and items of a layer to ask about.

    Attributes
    ----------
    ready
        Their texts of the layer below are final.
    waiting
        A text that they quote is still to be written, so their questions are not known yet.
    """

    ready: tuple[Node, ...] = ()
    waiting: tuple[Node, ...] = ()

    @property
    def all(self) -> frozenset[Node]:
        """Both."""
        return frozenset((*self.ready, *self.waiting))
