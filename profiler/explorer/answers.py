"""What the explorer answers: typed models, the same parts as a report's data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from profiler.reporting.shared.contract import Message, Origin, Report
from profiler.reporting.shared.contract_people import Model, Person, Reason


class Atlas(Report):
    """The map with its findings; what belongs to one interest is asked for apart."""

    live: bool
    edit: bool
    by: str = ""
    """Who is recorded with changes that are made on this page."""


class TracedOrigin(Origin):
    """Where words came from, with the question as it was sent."""

    messages: list[Message] = Field(default_factory=list)


class InterestAnswer(Model):
    """One interest; items are named by number, ``titles`` says how each is called."""

    description: str
    evidence: list[int]
    near: list[tuple[int, float]]
    first: int | None = None
    last: int | None = None
    some: list[str]
    titles: dict[int, str]
    traced: TracedOrigin


class PersonAnswer(Model):
    """One person, and where the representative's words came from."""

    person: Person
    origin: TracedOrigin | None
    titles: dict[int, str]


class PersonRow(Model):
    """A line of the list of people."""

    id: str
    events: int


class PeopleAnswer(Model):
    """People that were found, at most sixty."""

    people: list[PersonRow]


class Hit(Model):
    """An interest that was found: its place on the map, and the item that led to it."""

    i: int
    proof: str | None = None


class SearchAnswer(Model):
    """What a search found."""

    interests: list[Hit]
    people: list[PersonRow]


class ListAnswer(Model):
    """A list with some interests off or asked for more, and whether it differs from the plain."""

    reasons: list[Reason]
    changed: bool
    titles: dict[int, str]


class ChangeRequest(Model):
    """A change to make: of one interest, and for disputes of one person."""

    kind: Literal["merge", "rename", "pin", "dispute"]
    interest: int
    into: int | None = None
    label: str = Field("", max_length=500)
    person: str = Field("", max_length=200)
    why: str = Field("", max_length=500)


class ChangeAnswer(Model):
    """A change by hand in words, with who and when."""

    edit: int
    kind: str
    interest: int | None
    words: str
    made_at: str
    made_by: str
    undone_at: str | None
    undone_by: str
    can_undo: bool


class ChangesAnswer(Model):
    """Changes by hand, the newest first."""

    changes: list[ChangeAnswer]
