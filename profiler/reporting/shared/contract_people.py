"""The part of the data contract that tells of one person."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Tier = Literal["shows", "fits", "none"]


class Model(BaseModel):
    """A part of the contract: nothing unknown is let in, and nothing changes once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PersonInterest(Model):
    """An interest of a person with the person's own items that show it.

    Attributes
    ----------
    share
        Of the person's known events.
    fit
        Score of the assignment.
    """

    i: int
    share: float
    fit: float
    items: list[int]


class HiddenEvent(Model):
    """An event kept from the model: the interest of the person that fits it, if one does."""

    item: int
    i: int
    similarity: float | None = None
    own: bool = False


class Reason(Model):
    """Why an item stands in a list: what was computed, and nothing else.

    Attributes
    ----------
    tier
        ``shows``: items of the person raised the score and show the interest; ``fits``: the
        interest fits the item by its words; ``none``: no stored interest fits.
    because
        Items the sentence names.
    parts
        What each item of the history added to the score, largest first; ``rest`` is the sum of
        those left out, ``against`` of those that lowered it, ``base`` what no item gave.
    """

    item: int
    score: float
    how: str
    tier: Tier
    because: list[int] = []
    i: int = -1
    similarity: float | None = None
    parts: list[tuple[int, float]] = []
    rest: float = 0.0
    against: float = 0.0
    base: float = 0.0
    bought: bool = False


class Steered(Model):
    """The list with one interest switched off.

    Attributes
    ----------
    i
        The interest that is off.
    items
        The list, best first: places in ``reasons``.
    changed
        Whether it differs from the plain list.
    """

    i: int
    items: list[int]
    changed: bool = False


class Recommendations(Model):
    """A person's list: ``items`` and those of ``steered`` name places in ``reasons``."""

    reasons: list[Reason]
    items: list[int]
    steered: list[Steered]
    note: str = ""


CloudWord = tuple[str, int, int]
"""A word, its size from 1 to 6, and 1 where the other side has it too."""


class Person(Model):
    """One person: history, interests, hidden events, list, and the representative beside it.

    Attributes
    ----------
    known
        Share of known events that an interest of the person accounts for.
    history
        Events in order: (item, interest or -1, 1 if hidden, unix seconds or 0).
    representative
        Number of its origin, or -1.
    close
        Cosine of the two histories.
    """

    id: str
    events: int
    representative: int
    close: float | None
    known: float
    history: list[tuple[int, int, int, int]]
    interests: list[PersonInterest]
    hidden: list[HiddenEvent]
    recommendations: Recommendations | None = None
    own_words: list[CloudWord] = []
    their_words: list[CloudWord] = []
    their_themes: list[tuple[int, float]]
