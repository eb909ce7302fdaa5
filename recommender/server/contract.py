"""What the service is asked and what it answers, as typed models; OpenAPI is made of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recommender.server.errors import ErrorKind

MOST_ITEMS = 1_000
LONGEST_HISTORY = 10_000
ItemId = Annotated[str, Field(min_length=1, max_length=1_000)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Whose(_Asked):
    """Whose list: a user by id, or a history of item ids, the oldest first."""

    user: ItemId | None = None
    history: list[ItemId] | None = Field(None, min_length=1, max_length=LONGEST_HISTORY)

    @model_validator(mode="after")
    def _one_of_both(self) -> Whose:
        if (self.user is None) == (self.history is None):
            raise ValueError("give either user or history")
        return self


class RecommendRequest(Whose):
    """A list is wanted."""

    k: int = Field(10, ge=1, le=MOST_ITEMS, description="Items wanted.")
    seen: bool = Field(False, description="Also items that the history holds.")
    explain: bool = Field(False, description="With a sentence for each item that says why.")


class ExplainRequest(Whose):
    """Why an item has its score."""

    item: ItemId


class ItemAnswer(BaseModel):
    """One place of a list."""

    rank: int
    item_id: str
    title: str | None
    score: float
    interest: int = Field(description="Behavioural interest that gave the score, from 0.")
    sentence: str | None = None


class ListAnswer(BaseModel):
    """A list, the best first."""

    user: str | None
    items: list[ItemAnswer]


class PartAnswer(BaseModel):
    """What one item of the history gave to a score."""

    item_id: str
    title: str | None
    part: float


class InterestAnswer(BaseModel):
    """The stored interest that a sentence names."""

    interest_id: int
    label: str


class ExplanationAnswer(BaseModel):
    """Why an item has its score; ``base`` and ``parts`` sum to it."""

    user: str | None
    item_id: str
    title: str | None
    score: float
    sentence: str
    interest: InterestAnswer | None
    how: str
    base: float
    parts: list[PartAnswer]


class HealthAnswer(BaseModel):
    """Whether lists can be had."""

    status: Literal["ok", "degraded"]
    backbone: str
    items: int
    source: str
    version: int | None = Field(None, description="Of the published database.")
    detail: str = ""


class ErrorDetail(BaseModel):
    """An error: its kind for programs, its message for people."""

    kind: ErrorKind
    message: str


class ErrorAnswer(BaseModel):
    """What is answered in place of an answer."""

    error: ErrorDetail
