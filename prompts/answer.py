"""The one form of an answer: what templates ask for and what the reader takes."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from store.data.readers.values.entities import unescape

__all__ = ["AnswerDocument", "Interest"]

# Override and isolate marks can make a label read differently from what it says.
BIDI_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(text: str) -> str:
    """Collapse whitespace and read HTML entities; refuse signs that can break a terminal."""
    line = " ".join(unescape(text).split())
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
