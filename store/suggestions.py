"""Words of messages: what may have been meant by an unknown name, lists, and failed checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

MOST = 3
MANY_TO_COMPARE = 20_000
MANY = 200_000
"""With more names than this none are compared: an error should not take seconds."""

# What the checks of values say, and what a person is told.
_CHECKS = (
    (r"Input should be a valid integer\b[^;]*", "write a whole number"),
    (r"Input should be a valid number\b[^;]*", "write a number"),
    (r"Input should be greater than or equal to (\S+)", r"at least \1"),
    (r"Input should be less than or equal to (\S+)", r"at most \1"),
    (r"Input should be greater than (\S+)", r"more than \1"),
    (r"Input should be less than (\S+)", r"less than \1"),
    (r"Input should be a valid string\b[^;]*", "write a text"),
    (r"Input should be a valid list\b", "write a list"),
    (r"Value error, ", ""),
    (r"Input should be a finite number", "write a number that is not infinite"),
)


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return up to three known names like ``name``, the likest first.

    Case does not count, and a name that contains the other is like it.
    """
    names = list(dict.fromkeys(known))
    if len(names) > MANY:
        return []
    folded = name.casefold()
    by_fold: dict[str, str] = {}
    for one in names:
        by_fold.setdefault(one.casefold(), one)
    if folded in by_fold:
        return [by_fold[folded]]
    room = max(2, len(folded) // 3)
    candidates = [one for one in by_fold if abs(len(one) - len(folded)) <= room]
    if len(candidates) > MANY_TO_COMPARE:  # comparing takes some microseconds a name
        candidates = [one for one in candidates if one[:2] == folded[:2]][:MANY_TO_COMPARE]
    found = get_close_matches(folded, candidates, MOST, 0.7)
    if not found and len(folded) >= 3:
        found = [one for one in by_fold if folded in one][:MOST]
    return [by_fold[one] for one in found]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'a' or 'b'?`` to end a message with, or an empty text."""
    found = [repr(one) for one in near(name, known)]
    if not found:
        return ""
    return f"; did you mean {enumerated(found, 'or')}?"


def enumerated(names: Sequence[str], last: str) -> str:
    """Write names as English does: ``a, b or c``; ``last`` is the word before the last one."""
    *first, final = names
    return f"{', '.join(first)} {last} {final}" if first else final


def check_in_words(message: str) -> str:
    """Say in plain words what a check of a value said in the words of its library.

    Parameters
    ----------
    message
        Of pydantic, possibly with other words around it.
    """
    for words, plain in _CHECKS:
        message = re.sub(words, plain, message)
    return message
