"""What a page is made from: version 1 of the data contract, checked when it is written and served.

Lists of many interests are columns, and what is at its default is not written, because a thousand
repeated names of fields are most of a file.
Items, interests, themes and parts are named by their place in the lists of the document. The front
end reads these models and nothing else; the explorer answers with the same ones.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from profiler.reporting.shared.contract_people import Model, Person

VERSION: Literal[1] = 1

State = Literal["good", "watch", "weak", "unknown"]


class Phrase(Model):
    """A piece of a sentence; at most one of the others says what it leads to.

    Attributes
    ----------
    text
        What is read.
    interest, part, theme
        Its place on the map.
    """

    text: str
    interest: int | None = None
    part: int | None = None
    theme: int | None = None


class Floor(Model):
    """Interests that reach too few people to be shown.

    Attributes
    ----------
    people
        Fewest people an interest on the page reaches; 1 hides nothing.
    hidden
        How many interests reach fewer.
    """

    people: int = Field(ge=1)
    hidden: int = Field(ge=0)


class ModelFacts(Model):
    """The trained model whose lists are shown."""

    name: str
    folder: str


class Meta(Model):
    """What the page is about and how it was made."""

    title: str
    dataset: str
    as_of: str
    users: Literal["pseudonyms", "ids", "none"]
    offline: bool
    sources: dict[str, int]
    words: dict[str, str]
    order: Literal["time", "order"]
    map_method: str
    seed: int
    split: str
    model: ModelFacts | None
    floor: Floor


class Counts(Model):
    """Numbers of the whole store; ``shown`` and ``sampled`` are what the page holds of it.

    Attributes
    ----------
    written
        Interests as they were written.
    interests
        The same after those that say the same were merged.
    shown
        Merged interests on the map.
    """

    people: int
    items: int
    events: int
    written: int
    interests: int
    shown: int
    representatives: int
    blends: int
    sampled: int


class Region(Model):
    """A theme or a part of one: its name, place on the map, and whom it reaches.

    Attributes
    ----------
    interests
        Merged interests in it, those that are not drawn included.
    people
        Whose own history shows at least one of them.
    hue
        Number of its colour; a part has its theme's.
    """

    id: int
    theme: int
    name: str
    x: float
    y: float
    interests: int
    people: int
    hue: int


class Interests(Model):
    """Merged interests on the map, as columns of equal length; the last four may be left out.

    Attributes
    ----------
    people, own
        Whom it reaches by any way, and whose own history shows it.
    merged
        Interests that say the same and stand under it.
    evidence
        Items that show it, by number.
    near
        Neighbours: (interest, cosine of the words).
    first, last
        Unix seconds of the earliest and latest event that shows it; None without times.
    """

    id: list[int]
    label: list[str]
    x: list[float]
    y: list[float]
    theme: list[int]
    part: list[int]
    people: list[int]
    own: list[int]
    merged: list[int]
    first: list[int | None]
    last: list[int | None]
    description: list[str] = Field(default_factory=list)
    origin: list[int] = Field(default_factory=list)
    evidence: list[list[int]] = Field(default_factory=list)
    near: list[list[tuple[int, float]]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _equal_lengths(self) -> Interests:
        lengths = {name: len(getattr(self, name)) for name in type(self).model_fields}
        told = {"description", "origin", "evidence", "near"}  # the explorer asks for these apart
        apart = {lengths.pop(name) for name in told} - {0, len(self.id)}
        if apart or len(set(lengths.values())) > 1:
            raise ValueError(f"columns of different length: {lengths}")
        return self


class Message(Model):
    """One message of a question."""

    role: str
    content: str


class Origin(Model):
    """Where the words of some interests came from.

    Attributes
    ----------
    kind
        A representative, a blend of like-minded people, or a single person.
    shown
        Items that were read, by number.
    siblings
        The other interests of the same answer: (id, label, place on the map or -1).
    question
        Number of the question as it was sent, and whether it was sent for this one.
    """

    kind: Literal["representative", "blend", "single"]
    name: str
    members: int
    source: str
    shown: list[int]
    answer: list[tuple[int, str, int]]
    model: str | None = None
    method: str | None = None
    at: str | None = None
    raw: str | None = None
    question: tuple[int, bool] | None = None


class Bar(Model):
    """A value with its 95 % interval, where one is known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class Check(Model):
    """One question of the quality view: a state, a sentence, a figure, and how it is judged."""

    id: str
    name: str
    state: State
    value: float | None = None
    sentence: str
    rule: str
    kind: Literal["share", "scale", "bars", "histogram", "none"]
    good: float | None = None
    weak: float | None = None
    bars: list[Bar] = Field(default_factory=list)
    of: str = ""
    histogram: list[int] = Field(default_factory=list)


class Verdict(Model):
    """What all checks together say."""

    state: State
    text: str
    rest: str
    open: list[str]


class Section(Model):
    """A titled list of facts of the run card."""

    title: str
    rows: list[tuple[str, str]]


class Report(Model):
    """A page's data, whole."""

    v: Literal[1]
    meta: Meta
    counts: Counts
    findings: list[list[Phrase]]
    largest: list[int]
    verdict: Verdict
    how_sure: str
    themes: list[Region]
    parts: list[Region]
    pairs: list[tuple[int, int, int, float]]
    height: float
    interests: Interests
    origins: list[Origin]
    questions: list[list[Message]]
    items: list[str]
    people: list[Person]
    checks: list[Check]
    limits: list[str]
    run: list[Section]
