"""Item texts inside a prompt. They are untrusted: whoever sells an item writes its title.

A title becomes one line of visible characters of limited length, inside a boundary that nobody who
writes a title can know. This keeps a title from posing as instructions; that evidence is among the
ids shown is checked on the answer, so an obedient model gains an attacker nothing either.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Sequence

from store.digests import canonical_json

MAX_TITLE = 200
"""Characters of a title that are shown."""

# Nothing visible, but kept by a filter on control and format characters: fillers, joiners and
# variation selectors, which can carry hidden text.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
# Marks that tokenisers of common chat models read as the end of a message.
_CHAT_MARKS = re.compile(
    r"<\|[^<>|]{0,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>", re.IGNORECASE
)
_PLAIN_ID = re.compile(r"[\w.:/@+=-]{1,64}", re.ASCII)


def clean_text(text: str, limit: int = MAX_TITLE) -> str:
    """One line of visible text: no control, format or bidirectional characters, no chat marks."""
    visible = text
    if not (text.isascii() and text.isprintable()):  # most titles are, and need no closer look
        visible = "".join(_visible(char) for char in _INVISIBLE.sub("", text))
    before = None
    while before != visible:  # a removed mark may join two halves of another
        before, visible = visible, _CHAT_MARKS.sub(" ", visible)
    line = " ".join(visible.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _visible(char: str) -> str:
    """The character itself; a space for a separator; nothing for what has no shape."""
    category = unicodedata.category(char)
    if char.isspace() or category in ("Zl", "Zp", "Zs"):
        return " "
    return "" if category in ("Cc", "Cf", "Cs", "Co", "Cn") else char


def shown_ids(item_ids: Sequence[str]) -> list[str]:
    """The id that stands for each item in a prompt.

    It is the item's own id where that is plain (at most 64 of the ASCII letters and digits and
    ``. : / @ + = _ -``), else ``~`` and the item's place in the list, so that an id cannot carry
    text into the prompt.
    """
    return [
        item_id if _PLAIN_ID.fullmatch(item_id) else f"~{place}"
        for place, item_id in enumerate(item_ids, start=1)
    ]


def item_lines(names: Sequence[str], item_ids: Sequence[str]) -> list[str]:
    """Lines ``- name (ID)``, the paper's form (EIMF, section 3.2)."""
    return [
        f"- {clean_text(name) or 'untitled'} ({shown})"
        for name, shown in zip(names, shown_ids(item_ids), strict=True)
    ]


def numbered_lines(names: Sequence[str]) -> list[str]:
    """Lines ``[1] name``: numbers are short, come first, and are like no part of a title.

    Titles end in parentheses in half of all shops, and a model then takes them for the id.
    """
    return [
        f"[{place}] {clean_text(name) or 'untitled'}" for place, name in enumerate(names, start=1)
    ]


def boundary(key: bytes, content: object) -> str:
    """A mark that depends on the content and a secret of the store: known to no title, yet stable.

    A request is addressed by what it says, so a random mark would make every request a new one.

    Parameters
    ----------
    key
        Random bytes of the store, at least 16.
    content
        JSON value that stands for the request.
    """
    if len(key) < 16:
        raise ValueError("the boundary key must have at least 16 bytes")
    return hmac.new(
        key, canonical_json(content).encode(errors="surrogatepass"), hashlib.sha256
    ).hexdigest()[:24]


def item_block(lines: Sequence[str], mark: str) -> str:
    """The lines between an opening and a closing mark."""
    return "\n".join([f"<<<items {mark}>>>", *lines, f"<<<end {mark}>>>"])


def estimate_tokens(text: str) -> int:
    """Tokens of a text, estimated on the high side: a token for each three bytes of UTF-8."""
    return -(-len(text.encode(errors="surrogatepass")) // 3)
