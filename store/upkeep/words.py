"""Words that a person gives something: not empty, not too long, and printable."""

from __future__ import annotations

import unicodedata

from store.errors import UserError


def checked_words(what: str, words: str, longest: int) -> str:
    """The words without space around them.

    Parameters
    ----------
    what
        What they are, such as ``label``.
    words
        As they were typed.
    longest
        Most characters.

    Raises
    ------
    UserError
        They are empty, too long, or hold characters that cannot be printed.
    """
    words = words.strip()
    if not words or len(words) > longest:
        raise UserError(f"a {what} has 1 to {longest} characters, this one {len(words)}")
    if any(unicodedata.category(c)[0] == "C" for c in words):
        raise UserError(f"the {what} {words!r} holds characters that cannot be printed")
    return words
