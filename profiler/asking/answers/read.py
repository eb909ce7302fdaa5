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

from profiler.asking.answers.answer_schema import (
    MAX_INTERESTS,
    Answer,
    AnswerDocument,
    AnswerError,
    Interest,
)
from profiler.asking.answers.grounding import ground
from profiler.asking.answers.repetition import repeats_itself
from profiler.llm.port import Expected
from profiler.llm.stop_reasons import ending_of
from profiler.shown import ShownItem

MAX_ERRORS = 10

_FENCED = re.compile(r"\s*```[A-Za-z]*\s*(\{.*\})\s*```\s*", re.DOTALL)
# The ends of reasoning: of models that write tags, and of those that write channels.
_REASONING_ENDS = ("</think>", "</thinking>", "<|channel|>final<|message|>")
# A text that begins so is the document: a mark of reasoning in it is a word of the answer.
_DOCUMENT = re.compile(r"\s*(?:```[A-Za-z]*\s*)?\{\s*[\"}]")
_START = re.compile(r"```[A-Za-z]*\s*\{|\{")
# Before the document only words: a bracket or a quote is part of a document that is broken.
_CLOSES = re.compile(r"[\[\]}\"`]")
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
    expected: Expected | None = None,
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
    expected
        What else the answer is read by: ids of the items shown, words that it may not repeat.

    Raises
    ------
    AnswerError
        The answer is not accepted; its kind says which check failed.
    """
    check_finish(text, finish_reason, refusal)
    document, mends = parse_document(text)
    interests, repairs = read_document(
        document, shown=shown, task=task, max_interests=max_interests, expected=expected
    )
    return Answer(interests, mends, repairs)


def read_document(
    document: Any,
    *,
    shown: Sequence[ShownItem],
    task: str,
    max_interests: int,
    expected: Expected | None = None,
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
        raise AnswerError("schema", plain_errors(error)) from error
    return ground(
        answer.interests,
        shown,
        task=task,
        max_interests=max_interests,
        expected=expected or Expected(),
    )


def check_finish(text: str, finish_reason: str | None, refusal: str | None) -> None:
    """Whether the service says that the answer is whole; this comes first: a cut one may look so.

    Raises
    ------
    AnswerError
        Of kind ``truncated``, ``looped``, ``refused``, ``empty`` or ``unfinished``.
    """
    reason, ending = (finish_reason or "").lower(), ending_of(finish_reason)
    if ending == "truncated" and repeats_itself(text):
        raise AnswerError(
            "looped",
            ("the answer repeated itself until it was cut off: say each thing once, then end it",),
        )
    if ending == "truncated":
        raise AnswerError("truncated", (f"the answer was cut off (finish reason {reason!r})",))
    if ending == "refused" or (refusal and refusal.strip()):
        said = " ".join((refusal or reason).split())[:200]
        raise AnswerError("refused", (f"the model refused to answer: {said}",))
    if not text.strip():
        raise AnswerError("empty", ("the answer was empty",))
    if ending != "whole":
        raise AnswerError(
            "unfinished", (f"the answer did not end by itself (finish reason {reason[:40]!r})",)
        )


def parse_document(text: str) -> tuple[Any, tuple[str, ...]]:
    """JSON value of the text and the mends it took, fewest first.

    Raises
    ------
    AnswerError
        Of kind ``not_json``.
    """
    text, before = without_reasoning(text)
    fenced = _FENCED.fullmatch(text)
    attempts: list[tuple[str, tuple[str, ...]]] = [(text, before)]
    if fenced:
        attempts.append((fenced[1], (*before, "code fence")))
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


def without_reasoning(text: str) -> tuple[str, tuple[str, ...]]:
    """The text from its JSON document on, and what stood before it as a mend.

    Models think aloud in ``<think>`` tags, in channels, or begin with a sentence. What stands
    before the document is left out, unless a document stands in it, too: then it is not sure which
    of them is meant.
    """
    text = text.removeprefix("\ufeff")
    mends: list[str] = []
    for mark in () if _DOCUMENT.match(text) else _REASONING_ENDS:
        before, found, after = text.rpartition(mark)
        if found and not _holds_json(before):
            mends.append("reasoning before the answer")
            text = after
            break
    start = _START.search(text)
    if (
        start is not None
        and text[: start.start()].strip()
        and not _CLOSES.search(text[: start.start()])
    ):
        mends.append("text before the answer")
        text = text[start.start() :]
    return text, tuple(mends)


def _holds_json(text: str) -> bool:
    """Whether a JSON object stands somewhere in a text."""
    decoder = json.JSONDecoder()
    for place in (match.start() for match in re.finditer(r"\{", text)):
        try:
            decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _strict_loads(text: str) -> Any:
    """JSON as the standard has it: no NaN, no repeated keys, nothing before or after."""
    return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, object]:
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


def plain_errors(error: ValidationError) -> tuple[str, ...]:
    """Where and what, in words; the value itself is left out, since a model may echo it."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])[:80] or "the document"
        lines.append(f"{place}: {problem['msg']}")
    return tuple(lines[:MAX_ERRORS])
