"""What an answer is made of, and the ways in which it can fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from prompts.answer import MAX_LABEL, AnswerDocument, Interest, one_line

__all__ = [
    "MAX_INTERESTS",
    "MAX_LABEL",
    "Answer",
    "AnswerDocument",
    "AnswerError",
    "FailureKind",
    "Interest",
    "one_line",
]

FailureKind: TypeAlias = Literal[
    "truncated", "looped", "empty", "refused", "unfinished", "not_json", "schema", "grounding"
]

MAX_INTERESTS = 20
"""The most interests of one subject (EIMF, prompt of section 3.2)."""


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
    wrong_ids
        Whether it names ids that were not shown.
    """

    def __init__(
        self, kind: FailureKind, errors: tuple[str, ...], *, wrong_ids: bool = False
    ) -> None:
        super().__init__(f"{kind}: {'; '.join(errors)}")
        self.kind: FailureKind = kind
        self.errors = errors
        self.wrong_ids = wrong_ids
