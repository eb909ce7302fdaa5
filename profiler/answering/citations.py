"""Sentences and what they cite: only what was looked up and exists may be shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from store.views.interests.citations import Cited, existing
from store.views.interests.citations import cited as cited_rows

if TYPE_CHECKING:
    from store.store import Store

_BRACKET = re.compile(r"\[([^\[\]]+)\]")
_INTEREST = re.compile(r"i\s?(\d{1,15})", re.IGNORECASE)
_ITEM = re.compile(r"item\s+(\S.*)", re.IGNORECASE)
_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+")
_NO_END = re.compile(r"\b(?:e\.g|i\.e|vs|mr|ms|dr)\.$", re.IGNORECASE)
_ONLY_CITATIONS = re.compile(r"(?:\s*\[[^\[\]]+\][\s,;.]*)+")

CITES_NOTHING = "cites nothing"
UNKNOWN = "cites what does not exist"
NOT_LOOKED_UP = "cites what was not looked up"


@dataclass
class Seen:
    """Interests and items that tools have returned in this conversation."""

    interests: set[int] = field(default_factory=set)
    items: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Sentence:
    """A sentence and what it cites."""

    text: str
    interests: tuple[int, ...]
    items: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """Sentences that may be shown; how many may not, by reason; and the same for the model."""

    kept: list[Sentence]
    dropped: Counter[str]
    problems: list[str]


def check(answer: str, seen: Seen, store: Store) -> Checked:
    """Keep each sentence whose citations all exist in the store and were looked up."""
    sentences = [cited(sentence) for sentence in sentences_of(answer)]
    existing = _existing(store, sentences)
    kept: list[Sentence] = []
    dropped: Counter[str] = Counter()
    problems: list[str] = []
    for sentence in sentences:
        why = _fault(sentence, seen, existing)
        if why is None:
            kept.append(sentence)
        else:
            dropped[why] += 1
            problems.append(f"{why}: {sentence.text[:200]}")
    return Checked(kept, dropped, problems)


def sentences_of(answer: str) -> list[str]:
    """Sentences of a text; a citation after the full stop belongs to the sentence before it."""
    return [sentence for line in answer.splitlines() for sentence in _of_line(line)]


def _of_line(line: str) -> list[str]:
    found: list[str] = []
    start = 0
    for match in [*_END.finditer(line), None]:
        stop = len(line) if match is None else match.start()
        if match is not None and _NO_END.search(line[start:stop]):
            continue
        piece = line[start:stop].strip()
        leading = _ONLY_CITATIONS.match(piece) if found else None
        if leading:
            found[-1] += " " + leading.group().strip()
            piece = piece[leading.end() :].strip()
        if piece.strip("-*•# "):
            found.append(piece)
        start = stop if match is None else match.end()
    return found


def cited(sentence: str) -> Sentence:
    """Read the citations of a sentence; brackets that are none are left alone."""
    interests: list[int] = []
    items: list[str] = []
    for inside in _BRACKET.findall(sentence):
        for part in re.split(r"\s*[,;]\s*", inside.strip()):
            if match := _INTEREST.fullmatch(part):
                interests.append(int(match[1]))
            elif match := _ITEM.fullmatch(part):
                items.append(match[1].strip())
    return Sentence(sentence, tuple(dict.fromkeys(interests)), tuple(dict.fromkeys(items)))


def _fault(sentence: Sentence, seen: Seen, existing: Seen) -> str | None:
    if not sentence.interests and not sentence.items:
        return CITES_NOTHING
    interests, items = set(sentence.interests), set(sentence.items)
    if not (interests <= existing.interests and items <= existing.items):
        return UNKNOWN
    if not (interests <= seen.interests and items <= seen.items):
        return NOT_LOOKED_UP
    return None


def _existing(store: Store, sentences: Iterable[Sentence]) -> Seen:
    interests = {one for sentence in sentences for one in sentence.interests}
    items = {one for sentence in sentences for one in sentence.items}
    return Seen(*existing(store, interests, items))


def sources(store: Store, kept: Iterable[Sentence]) -> Cited:
    """Labels of the interests and titles of the items that the sentences cite."""
    kept = list(kept)
    interests = dict.fromkeys(one for s in kept for one in s.interests)
    items = dict.fromkeys(one for s in kept for one in s.items)
    return cited_rows(store, interests, items)
