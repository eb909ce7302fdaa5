"""What the two packages need of each other: lists of a model for pages, a language model for lists.

``profiler`` and ``recommender`` never import each other: the programs join them (``cli.py``), and
whoever writes a report from Python hands one in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

__all__ = [
    "OpenModel",
    "OpenReranking",
    "ReasonedItem",
    "Recommending",
    "Reranked",
    "Reranking",
    "RerankingOptions",
]

Tier = Literal["shows", "fits", "none"]


@dataclass(frozen=True)
class ReasonedItem:
    """An item with why it has its score for a user: what was computed, and nothing else.

    Attributes
    ----------
    item_id, score
        The item.
    how
        How the score was split: ``attention`` (exact), ``shapley`` (sampled) or ``none``.
    tier
        ``shows``: items of the user raised the score and show the interest; ``fits``: an interest
        of the user fits the item by its words; ``none``: no stored interest does.
    because
        Ids of the user's items that a sentence may name, at most two.
    interest_id
        The interest; None where none fits.
    similarity
        Cosine of the item's words and the interest's.
    parts
        What each item of the history added: (item id, part), largest first. They and ``base`` sum
        to the score.
    base
        What comes from no item.
    """

    item_id: str
    score: float
    how: str
    tier: Tier
    because: tuple[str, ...]
    interest_id: int | None
    similarity: float | None
    parts: tuple[tuple[str, float], ...]
    base: float


@runtime_checkable
class Recommending(Protocol):
    """A trained model with the store it was trained on."""

    @property
    def name(self) -> str:
        """What the model is called."""

    def recommend(
        self,
        user_id: str,
        k: int,
        *,
        without: Sequence[int] = (),
        more: Sequence[int] = (),
    ) -> list[str]:
        """Ids of the best items for a user, best first; fewer interests, or more of some.

        Parameters
        ----------
        user_id
            A user of the store.
        k
            Length of the list.
        without, more
            interest_id of interests to leave out and to ask for more of.

        Raises
        ------
        UserError
            For an unknown user or interest.
        """

    def reasons(self, user_id: str, items: Sequence[str]) -> list[ReasonedItem]:
        """Why each item has its score for the user, in the order given."""

    def close(self) -> None:
        """Let go of files."""


OpenModel = Callable[[Path, Path], Recommending]
"""Opens a model folder with a store: ``open_model(model, store)``."""


@dataclass(frozen=True)
class RerankingOptions:
    """How a language model is asked to re-rank a list.

    Attributes
    ----------
    llm, base_url
        ``PROVIDER:MODEL``, and the address of its server where that is not the provider's own.
    seconds
        How long an answer is waited for; then the plain list is served.
    budget_usd
        Dollars that may be spent in the store by all runs together; None is no limit.
    """

    llm: str
    base_url: str | None = None
    seconds: float = 10.0
    budget_usd: float | None = None


@dataclass(frozen=True)
class Reranked:
    """What a language model made of a list.

    Attributes
    ----------
    items
        Ids of the items that it puts first, best first; empty where it gave no usable answer.
    stored
        Whether the answer was in the store, so that nothing was called.
    problem
        Why there is no answer; empty where there is one.
    """

    items: tuple[str, ...]
    stored: bool = False
    problem: str = ""


@runtime_checkable
class Reranking(Protocol):
    """A language model that puts the items of a list in order, with a hint or without one."""

    def rerank(
        self, user_id: str, candidates: Sequence[str], hint: tuple[int, str] | None
    ) -> Reranked:
        """The items that come first, by one call or by the stored answer to it.

        Parameters
        ----------
        user_id
            A user of the store, whose training history is shown.
        candidates
            Ids of the items of the plain list, best first.
        hint
            Number and words of the hint; None asks without one.

        Raises
        ------
        UserError
            For an unknown user or item.
        """

    def close(self) -> None:
        """Let go of the store."""


OpenReranking = Callable[[Path, RerankingOptions], Reranking]
"""Opens a language model over a store: ``open_reranking(store, options)``."""
