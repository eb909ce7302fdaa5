"""What a served model answers: recommendations and explanations, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from store.views.interests.provenance import InterestOrigin
from store.views.shared.row import KeyedRow
from store.views.subjects.users import Item

if TYPE_CHECKING:
    from store.recommending import Tier

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
class NamedInterest(InterestOrigin):
    """The interest that a reason names.

    Attributes
    ----------
    similarity
        Cosine of the words of item and interest.
    proven
        The item itself is evidence of the interest.
    """

    similarity: float
    proven: bool


@dataclass(frozen=True)
class Reasoning:
    """What may be claimed of a recommendation; the rule is :mod:`recommender.serving.reasons`.

    Attributes
    ----------
    sentence
        It in words, with the items by title.
    tier
        ``shows``, ``fits`` or ``none``.
    because
        Items of the history that speak for it, at most two.
    interest
        The interest named; None where no stored interest fits.
    """

    sentence: str
    tier: Tier
    because: list[Item]
    interest: NamedInterest | None


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
    reason
        What may be claimed, in one sentence first.
    semantic
        The interests closest to it in the model's own space, the closest first; no
        reason is made of them.
    compared_in
        ``alignment`` (the learned projection of the texts) or ``evidence`` (mean item vectors of
        the evidence); empty where nothing is stored.
    chosen_from
        ``user`` (the user's own interests) or ``all``.
    like
        For an item that no training saw, the items of the training that it is like.
    """

    item_id: str
    title: str | None
    score: float
    interest: int
    interests: int
    how: str
    base: float
    parts: list[ItemPart]
    reason: Reasoning
    semantic: list[NearInterest] = field(default_factory=list)
    compared_in: str = ""
    chosen_from: str = ""
    like: list[Item] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return self.reason.sentence

    def to_json(self) -> dict[str, object]:
        """As a JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.title or self.item_id}: {self.sentence}"


@dataclass(frozen=True)
class Recommendation:
    """One recommended item; ``rank`` counts from 1."""

    rank: int
    item_id: str
    title: str | None
    score: float
    interest: int
    explanation: Explanation | None = None

    def to_json(self) -> dict[str, object]:
        """As a JSON object; the explanation is left out where there is none."""
        content = asdict(self)
        if self.explanation is None:
            del content["explanation"]
        return content
