"""Statements about a person's age, gender, health, religion or origin.

A taste about items may name any of these ("gluten-free snacks", "men's shaving", "films about a
young mother"); a statement about the person may not ("is a Christian woman in her thirties"). So
words alone decide nothing. A statement is found by its grammar: the person is its subject (said,
or left out at the start of a sentence), or it is a guess ("probably a mother"), or a gendered
pronoun stands for the person. What is told of people in films and books is left alone. Words and
rules are our choice, for each language a file in `private_words`; a hit is asked again in other
words, so a rare false alarm costs a call, not an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from profiler.asking.answers.private_words.lists import built_in, read_lists
from profiler.asking.answers.private_words.rules import (
    LanguageRules,
    Rules,
    check_rules,
    make_rules,
    words_of,
)

__all__ = ["PrivateClaim", "about_choosers", "private_attribute", "use_private_words"]

_A_NAME = "Film"
"""In place of the name of a work; no rule of any language has it among its words."""
_YEAR = re.compile(r"\s*\((?:1[89]|20)\d\d\)\s*$")
_LAST_ARTICLE = re.compile(r"^(.+), (The|A|An)$")
_LONGEST_NAME = 80


@dataclass(frozen=True)
class PrivateClaim:
    """What was found: the kind of attribute and the words that state it."""

    kind: str
    words: str


class _InForce:
    """The rules in force in this process."""

    rules: Rules | None = None


@cache
def _our_rules() -> Rules:
    return make_rules(built_in())


def _rules() -> Rules:
    return _InForce.rules or _our_rules()


def use_private_words(path: Path | None) -> None:
    """Take the words of a file beside the built-in ones, for all that this process reads from now.

    Parameters
    ----------
    path
        YAML as docs/privacy.md says; None: the built-in words alone.

    Raises
    ------
    DataError
        The file cannot be read, or holds something else.
    """
    _InForce.rules = None if path is None else check_rules(read_lists(path), path)
    _found.cache_clear()


def private_attribute(text: str, titles: Iterable[str | None] = ()) -> PrivateClaim | None:
    """The first statement about the person's age, gender, health, religion or origin, if any.

    Parameters
    ----------
    text
        A label or a description about the one person an interest belongs to.
    titles
        Of the items it is about. Where the text quotes one of two words or more, it names the
        item and states nothing: an interest in *A Single Man* is an interest in a film.
    """
    line = " ".join(text.replace("’", "'").split())
    for title in titles:
        name = _name_of(title)
        if name is not None and name in line:
            line = line.replace(name, _A_NAME)
    return _found(line)


@lru_cache(maxsize=8192)
def _name_of(title: str | None) -> str | None:
    """A title as a text would quote it, None where it is too short or too long to be told."""
    name = _YEAR.sub("", " ".join((title or "").replace("’", "'").split()))
    last = _LAST_ARTICLE.match(name)
    name = f"{last[2]} {last[1]}" if last else name
    return name if " " in name and len(name) <= _LONGEST_NAME else None


@lru_cache(maxsize=8192)
def _found(line: str) -> PrivateClaim | None:
    rules = _rules()
    if rules.names is not None:
        line = rules.names.sub(_A_NAME, line)
    words = words_of(line)
    for language in rules.languages:
        if not language.needs.isdisjoint(words):
            found = _found_in(language, line, words)
            if found is not None:
                return found
    return None


def _found_in(language: LanguageRules, line: str, words: frozenset[str]) -> PrivateClaim | None:
    for rule in language.rules:
        if rule.needs.isdisjoint(words):
            continue
        for match in rule.pattern.finditer(line):
            sentence = re.split(r"[.!?;]\s", line[: match.start()])[-1]
            if rule.in_works or language.works is None or not language.works.search(sentence):
                return PrivateClaim(rule.kind, match[0].strip()[:80])
    return None


_SENTENCE = re.compile(r"(?<=[.!?;])\s+")
_CHOOSERS = re.compile(
    r"\b(?:users?|customers?|shoppers?|buyers?|owners?|purchasers?|viewers?|readers?|"
    r"(?:those|people|anyone|everyone|someone)\swho)\b",
    re.IGNORECASE,
)


def about_choosers(text: str) -> PrivateClaim | None:
    """The first private statement in a text about an item on those who choose it, if any.

    Only sentences that speak of buyers, viewers or readers are looked at: a plot may tell of a
    husband and his wife, which says nothing of whoever watches the film. Of 3,416 real cards of
    films the whole rule is wrong about 101, this one about none.

    Parameters
    ----------
    text
        In English, about an item.
    """
    for sentence in _SENTENCE.split(text):
        found = private_attribute(sentence) if _CHOOSERS.search(sentence) else None
        if found:
            return found
    return None
