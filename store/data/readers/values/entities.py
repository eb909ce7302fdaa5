"""HTML entities that a shop's export left in texts, read as the signs they stand for."""

from __future__ import annotations

import html
import html.entities
import re

_NAMED = frozenset(name[:-1] for name in html.entities.html5 if name.endswith(";"))
# Names that HTML reads without the semicolon too, but for those that are words: "R&not", "&times".
_SURE = ("amp", "quot", "lt", "gt", "nbsp", "copy", "reg", "AMP", "QUOT", "LT", "GT")
_LETTERS = ("acute", "grave", "uml", "circ", "tilde", "cedil", "ring", "slash", "lig")
_BARE = "|".join(
    name
    for name in sorted(html.entities.html5, reverse=True)
    if name in _SURE or (name.endswith(_LETTERS) and len(name) > len("tilde"))
    if not name.endswith(";")
)
_ENTITY = re.compile(
    r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};"
    r"|#[0-9]{2,7}(?![0-9;])|#[xX][0-9a-fA-F]{2,6}(?![0-9a-fA-F;])"
    r"|(?P<name>[A-Za-z][A-Za-z0-9]{1,31});"
    rf"|(?:{_BARE})(?![0-9A-Za-z;=]))"
)
_TIMES = 3
"""A text may have been escaped twice on the way into a file, rarely thrice."""


def unescape(text: str) -> str:
    """Replace HTML entities by what they stand for, also those that were escaped again.

    Known names, with their semicolon or, as HTML allows for old ones, without it, and numbers.
    What is no entity (``AT&T``, ``&nothing;``) stays as it is.

    Parameters
    ----------
    text
        A title, the name of a category, a label or a description.
    """
    for _ in range(_TIMES):
        if "&" not in text:
            return text
        plain = _ENTITY.sub(_sign, text)
        if plain == text:
            return text
        text = plain
    return text


def _sign(found: re.Match[str]) -> str:
    if found["name"] is not None and found["name"] not in _NAMED:
        return found[0]
    return html.unescape(found[0].rstrip(";") + ";").replace("\xa0", " ")
