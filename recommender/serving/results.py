"""What a served model answers: recommendations and explanations, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from store.views.interests.provenance import InterestOrigin
from store.views.shared.row import KeyedRow

__all__ = ["Explanation", "ItemPart", "NearInterest", "Recommendation"]


@dataclass(frozen=True)
class ItemPart(KeyedRow):
    """What one item of the history gave to a score."""

    item_id: str
    title: str | None
    part: float


@dataclass(frozen=True)
class NearInterest(InterestOrigin, KeyedRow):
    """A stored interest near a recommendation; ``similarity`` is a cosine."""

    similarity: float


@dataclass(frozen=True)
class Explanation:
    """Why an item has its score.

    Attributes
    ----------
    item_id, title, score
        The item.
    interest
        Number of the behavioural interest that scored it, from 0; ``interests`` of them in all.
    how
        ``attention`` (exact), ``shapley`` (sampled) or ``none``.
    parts
        What each history item gave, largest first. They and ``base`` sum to the score.
    semantic
        The semantic interests closest to it, the closest first.
    compared_in
        ``alignment`` (the learned projection of the texts) or ``evidence`` (mean item vectors of
        the evidence); empty where nothing is stored.
    chosen_from
        ``user`` (the user's own interests) or ``all``.
    """

    item_id: str
    title: str | None
    score: float
    interest: int
    interests: int
    how: str
    base: float
    parts: list[ItemPart]
    semantic: list[NearInterest] = field(default_factory=list)
    compared_in: str = ""
    chosen_from: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Recommendation:
    """One recommended item; ``rank`` counts from 1."""

    rank: int
    item_id: str
    title: str | None
    score: float
    interest: int
    explanation: Explanation | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; the explanation is left out where there is none."""
        content = asdict(self)
        if self.explanation is None:
            del content["explanation"]
        return content
