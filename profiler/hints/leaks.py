"""Whether a hint gives away what it was learned from: the name of an item, or an ID.

A hint is learned with the answer revealed, and other questions carry it. The rule is ours: words of
a title are compared without case, numbers and words that say nothing.
"""

from __future__ import annotations

import re

from profiler.hints.cases import AskedCase
from profiler.words import words_of
from prompts.items import shown_ids

_IDS = re.compile(r"[\w.:/@+=~-]+")
OVERLAP = 0.5
"""A hint that holds more than this share of the words of the target's title names it."""
SHORTEST = 6
"""Characters of the shortest title that is looked for as a whole."""


def leak_of(hint: str, case: AskedCase) -> str | None:
    """What a hint gives away of the case that it was learned from, None where nothing.

    It names the target where it holds more than half of the words of the target's title; any other
    item of the case where it holds all words of a title of two words or more, side by side; and any
    of them where it holds the whole title, which also finds titles without spaces.
    """
    shown = {one.item_ix: one for one in (*case.history, *case.candidates)}
    ids = {one.item_id for one in shown.values()} | set(
        shown_ids([one.item_id for one in case.candidates])
    )
    named = sorted(ids & {one.strip(".:") for one in _IDS.findall(hint)})
    if named:
        return f"it names the ID {named[0][:40]!r}"
    words = words_of(hint)
    if case.target is not None and _holds_most(words, case.target.title):
        return "it names the item that was chosen"
    for item in shown.values():
        if _holds_title(hint, item.title):
            return f"it names the item {item.item_id[:40]!r}"
    return None


def _holds_most(words: list[str], title: str | None) -> bool:
    wanted = set(words_of(title or ""))
    return bool(wanted) and len(wanted & set(words)) > OVERLAP * len(wanted)


def _holds_title(hint: str, title: str | None) -> bool:
    if title and len(title) >= SHORTEST and title.casefold() in hint.casefold():
        return True
    words, wanted = words_of(hint), words_of(title or "")
    if len(wanted) < 2:
        return False
    starts = range(len(words) - len(wanted) + 1)
    return any(words[start : start + len(wanted)] == wanted for start in starts)
