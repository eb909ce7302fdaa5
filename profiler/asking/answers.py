"""From the text of an answer to interests, in the order in which an answer can fail.

Finish reason, JSON, schema, grounding. Only code fences and trailing commas are mended, because no
other mend is sure to leave the content as it was; a truncated answer is never mended.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from profiler.asking.answer_schema import (
    MAX_INTERESTS,
    Answer,
    AnswerDocument,
    AnswerError,
    Interest,
)
from profiler.asking.grounding import ground
from profiler.llm.port import ShownItem

__all__ = [
    "Answer",
    "AnswerError",
    "Interest",
    "check_finish",
    "parse_document",
    "read_answer",
    "read_document",
]

# The names that OpenAI, Anthropic, Google, Mistral and Cohere give to the same two events.
TRUNCATED = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "max_length", "incomplete"}
)
REFUSED = frozenset(
    {"content_filter", "refusal", "safety", "blocklist", "prohibited_content", "recitation", "spii"}
)
MAX_ERRORS = 10

_FENCED = re.compile(r"\s*```[A-Za-z]*\s*(\{.*\})\s*```\s*", re.DOTALL)
# Strings, and commas that follow no value, are matched so that they are passed over.
_TRAILING_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{,:]\s*,|(,)(?=\s*[\]}])', re.DOTALL)


def read_answer(
    text: str,
    *,
    finish_reason: str | None,
    refusal: str | None,
    shown: Sequence[ShownItem],
    task: str,
    max_interests: int = MAX_INTERESTS,
) -> Answer:
    """Read, validate and ground one answer that names interests.

    Parameters
    ----------
    text
        The answer as it came.
    finish_reason, refusal
        As the provider gave them; None where it gave none.
    shown
        Exactly the items that the prompt showed.
    task
        ``interests``: an item may show several interests or none. ``allocation``: each item
        belongs to exactly one interest.
    max_interests
        The most interests allowed.

    Raises
    ------
    AnswerError
        The answer is not accepted; its kind says which check failed.
    """
    check_finish(text, finish_reason, refusal)
    document, mends = parse_document(text)
    interests, repairs = read_document(
        document, shown=shown, task=task, max_interests=max_interests
    )
    return Answer(interests, mends, repairs)


def read_document(
    document: Any, *, shown: Sequence[ShownItem], task: str, max_interests: int
) -> tuple[tuple[Interest, ...], tuple[str, ...]]:
    """Validate and ground interests; return them and what was repaired.

    Raises
    ------
    AnswerError
        Of kind ``schema`` or ``grounding``.
    """
    try:
        answer = AnswerDocument.model_validate(document)
    except ValidationError as error:
        raise AnswerError("schema", _plain_errors(error)) from error
    return ground(answer.interests, shown, task=task, max_interests=max_interests)


def check_finish(text: str, finish_reason: str | None, refusal: str | None) -> None:
    """Whether the service says that the answer is whole; this comes first: a cut one may look so.

    Raises
    ------
    AnswerError
        Of kind ``truncated``, ``refused`` or ``empty``.
    """
    reason = (finish_reason or "").lower()
    if reason in TRUNCATED:
        raise AnswerError("truncated", (f"the answer was cut off (finish reason {reason!r})",))
    if reason in REFUSED or (refusal and refusal.strip()):
        said = " ".join((refusal or reason).split())[:200]
        raise AnswerError("refused", (f"the model refused to answer: {said}",))
    if not text.strip():
        raise AnswerError("empty", ("the answer was empty",))


def parse_document(text: str) -> tuple[Any, tuple[str, ...]]:
    """JSON value of the text and the mends it took, fewest first.

    Raises
    ------
    AnswerError
        Of kind ``not_json``.
    """
    fenced = _FENCED.fullmatch(text)
    attempts: list[tuple[str, tuple[str, ...]]] = [(text, ())]
    if fenced:
        attempts.append((fenced[1], ("code fence",)))
    body, mends = attempts[-1]
    bare = _TRAILING_COMMA.sub(lambda match: "" if match[1] else match[0], body)
    if bare != body:
        attempts.append((bare, (*mends, "trailing comma")))
    first_error = "the answer was not JSON"
    for candidate, done in attempts:
        try:
            return _strict_loads(candidate), done
        except (ValueError, RecursionError) as error:
            # What is wrong with the mended text says more than "starts with a fence".
            first_error = f"the answer was not one JSON document: {error}"
    raise AnswerError("not_json", (first_error,))


def _strict_loads(text: str) -> Any:
    """JSON as the standard has it: no NaN, no repeated keys, nothing before or after."""
    return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A repeated key would silently drop what came first."""
    unique = dict(pairs)
    if len(unique) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {repeated[:40]!r} appears twice in one object")
    return unique


def _refuse_constant(name: str) -> Any:
    """NaN and Infinity are not JSON, although Python reads them."""
    raise ValueError(f"{name} is not a JSON value")


def _plain_errors(error: ValidationError) -> tuple[str, ...]:
    """Where and what, in words; the value itself is left out, since a model may echo it."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])[:80] or "the document"
        lines.append(f"{place}: {problem['msg']}")
    return tuple(lines[:MAX_ERRORS])
