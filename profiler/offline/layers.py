"""Descriptions of layers without a language model: what the neighbours' texts have in common.

It stands in where no model is asked, and it is the control of real descriptions: it passes words
along the same edges in the same steps, and adds none of its own.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from profiler.asking.answers.sensitive import about_choosers, private_attribute
from profiler.llm.port import Reply, Request
from profiler.offline.reply import StandIn, made_reply
from profiler.words import words_of
from prompts.items import clean_text

VERSION = 1
OWN = 160
"""Characters of the own text that a description begins with."""
LONGEST = 500
PIECES = 6
PIECE = 120
_BETWEEN = re.compile(r"[;:()]\s*|\.\s+|…")


class OfflineLayers(StandIn):
    """A :class:`profiler.llm.port.ChatPort` that asks nobody."""

    @property
    def params(self) -> Mapping[str, Any]:
        """What changes an answer beside the request: nothing but the program."""
        return {"version": VERSION}

    async def ask(self, request: Request) -> Reply:
        """Answer from the texts of the request; the messages are not read."""
        started = time.perf_counter()
        own, *texts = request.subject.texts
        user = request.subject.kind == "user"
        said = described(own, texts, user=user)
        return made_reply({"description": said}, self.name, started)


def described(own: str, texts: Sequence[str], *, user: bool) -> str:
    """The own text, then the pieces of the neighbours' texts whose words most of them share.

    Parameters
    ----------
    own, texts
        One line each.
    user
        Whether it is about a user; else it is about an item.
    """
    spread = Counter(word for text in texts for word in set(words_of(text)))
    pieces = dict.fromkeys(
        clean_text(piece, PIECE).strip(" ,.-") for text in texts for piece in _BETWEEN.split(text)
    )
    ranked = sorted(
        (piece for piece in pieces if piece and piece not in own),
        key=lambda piece: -_shared(piece, spread),
    )
    found = clean_text(own, OWN)
    for piece in ranked[:PIECES]:
        longer = f"{found}; {piece}" if found else piece
        private = private_attribute(longer) if user else about_choosers(longer)
        if private is None and len(longer) <= LONGEST:
            found = longer
    return found or "–"


def _shared(piece: str, spread: Mapping[str, int]) -> float:
    """How many of the texts have a word of a piece, on average over its words."""
    words = words_of(piece)
    return sum(spread[word] for word in words) / (len(words) + 1)
