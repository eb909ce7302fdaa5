"""What an answer is made of, and the ways in which it can fail."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

FailureKind: TypeAlias = Literal["truncated", "empty", "refused", "not_json", "schema", "grounding"]

MAX_INTERESTS = 20
"""The most interests of one subject (EIMF, prompt of section 3.2)."""

# Override and isolate marks can make a label read differently from what it says.
BIDI_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """Whitespace collapsed; characters that can deceive or break a terminal are refused."""
    line = " ".join(text.split())
    if not line:
        raise ValueError("must not be blank")
    for char in line:
        if char in BIDI_MARKS or unicodedata.category(char) in ("Cc", "Cs"):
            raise ValueError(f"holds the character U+{ord(char):04X}, which is not allowed")
    return line


def _id_text(value: Any) -> Any:
    """Ids are compared as strings: a whole number in the JSON stands for the id it spells."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


MAX_LABEL = 120

Label = Annotated[str, Field(max_length=MAX_LABEL), AfterValidator(one_line)]
Description = Annotated[str, Field(max_length=800), AfterValidator(one_line)]
ItemId = Annotated[str, BeforeValidator(_id_text)]


class Interest(BaseModel):
    """One interest: what it is called, what it means, and the ids of the items that show it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    label: Label
    description: Description
    evidence: list[ItemId]


class AnswerDocument(BaseModel):
    """The JSON document every answer must be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    interests: list[Interest] = Field(min_length=1)


@dataclass(frozen=True)
class Answer:
    """An accepted answer.

    Attributes
    ----------
    interests
        Grounded interests; evidence holds item ids of the store.
    mends
        What was mended in the text before it was JSON: ``code fence``, ``trailing comma``.
    repairs
        What was repaired in the content, one plain sentence each.
    """

    interests: tuple[Interest, ...]
    mends: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()


class AnswerError(Exception):
    """An answer that is not accepted.

    Attributes
    ----------
    kind
        Which check it failed.
    errors
        What is wrong, in sentences fit to be shown to the model when it is asked again.
    """

    def __init__(self, kind: FailureKind, errors: tuple[str, ...]) -> None:
        super().__init__(f"{kind}: {'; '.join(errors)}")
        self.kind: FailureKind = kind
        self.errors = errors
