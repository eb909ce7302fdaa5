"""Rules of all languages as patterns, each tried only where one of its words is in the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from profiler.asking.answers.private_words.lists import NUMBER, Language, RuleText
from store.errors import DataError

ANY_NUMBER = "0"
"""Stands for any number among the words of a text."""

_NAME = re.compile(r"<([a-z_]+)>")
_DEEPEST = 12


def words_of(text: str) -> frozenset[str]:
    """Words of a text in lower case, with and without a final s, and one word for any number.

    Parameters
    ----------
    text
        Any.
    """
    found = re.findall(r"[^\W\d_]{2,}|\d", text.lower())
    return frozenset(ANY_NUMBER if word.isdigit() else word for word in found) | {
        word.rstrip("s") for word in found
    }


@dataclass(frozen=True)
class Rule:
    """What to look for; a text with none of the words of ``needs`` cannot match.

    Attributes
    ----------
    kind
        Gender, age, health, religion or origin.
    text
        The pattern.
    in_works
        Whether it also holds in a phrase about people in films and books.
    needs
        Words as :func:`words_of` gives them.
    """

    kind: str
    text: str
    in_works: bool
    needs: frozenset[str]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled pattern, made when a text first has one of the words."""
        return re.compile(self.text, re.IGNORECASE)


@dataclass(frozen=True)
class LanguageRules:
    """Rules of one language.

    Attributes
    ----------
    rules
        In the order in which they are tried.
    works
        After which words a text tells of people in works, None if there are none.
    needs
        Words of all rules.
    """

    rules: tuple[Rule, ...]
    works: re.Pattern[str] | None
    needs: frozenset[str]


@dataclass(frozen=True)
class Rules:
    """Rules of several languages, and names that are no attributes in any of them."""

    languages: tuple[LanguageRules, ...]
    names: re.Pattern[str] | None


def make_rules(languages: Mapping[str, Language]) -> Rules:
    """Make the rules of several languages from their lists.

    Parameters
    ----------
    languages
        By code; English comes first where it is there.
    """
    names = [name for one in languages.values() for name in one.names]
    either = "|".join(map(re.escape, sorted(dict.fromkeys(names), key=lambda one: -len(one))))
    return Rules(
        tuple(_rules_of(language) for language in languages.values()),
        re.compile(rf"\b(?:{either})\b") if names else None,
    )


def check_rules(languages: Mapping[str, Language], path: Path) -> Rules:
    """Make the rules of languages that a user's file changed, every pattern compiled.

    Parameters
    ----------
    languages
        By code.
    path
        The user's file, for messages.

    Raises
    ------
    DataError
        A pattern or a name in it is not understood.
    """
    try:
        made = make_rules(languages)
        for language in made.languages:
            for rule in language.rules:
                _ = rule.pattern
    except (re.error, KeyError, RecursionError) as error:
        raise DataError(f"{path}: a pattern is not understood: {error}") from error
    return made


def _rules_of(language: Language) -> LanguageRules:
    rules = [
        Rule(kind, _pattern(language, one, words), one.in_works, _needs(language, words))
        for one in language.rules
        for kind, words in one.kinds.items()
    ]
    works = None
    if language.works is not None:
        works = re.compile(_filled(language, language.works), re.IGNORECASE)
    return LanguageRules(tuple(rules), works, frozenset().union(*(rule.needs for rule in rules)))


def _pattern(language: Language, rule: RuleText, words: str | tuple[str, ...]) -> str:
    return _filled(language, rule.pattern, _either(_forms(language, words)))


def _filled(language: Language, text: str, it: str = "", depth: int = 0) -> str:
    """A pattern with the names in it replaced by what they stand for."""
    if depth > _DEEPEST:
        raise RecursionError("phrases name each other in a circle")

    def stands_for(match: re.Match[str]) -> str:
        name = match[1]
        if name == "it":
            return it
        if name in language.phrases:
            return _filled(language, language.phrases[name], it, depth + 1)
        if name not in language.words:
            raise KeyError(f"<{name}> is neither a list of words nor a phrase")
        return _either(language.forms(name))

    return _NAME.sub(stands_for, text)


def _forms(language: Language, words: str | tuple[str, ...]) -> tuple[str, ...]:
    """Words of a list by its name, or the words given, among which ``<name>`` is a list."""
    if words == NUMBER:
        return ()
    if isinstance(words, str):
        if words not in language.words:
            raise KeyError(f"{words} is no list of words")
        return language.forms(words)
    lists = [
        language.forms(match[1]) if (match := _NAME.fullmatch(word)) else (word,) for word in words
    ]
    return tuple(word for one in lists for word in one)


def _needs(language: Language, words: str | tuple[str, ...]) -> frozenset[str]:
    if words == NUMBER:
        return frozenset({ANY_NUMBER})
    return words_of(" ".join(_forms(language, words)))


def _either(words: tuple[str, ...]) -> str:
    """Alternation of words; a blank or hyphen within one is either."""
    parts = ("[-\\s]".join(map(re.escape, re.split(r"[-\s]", word))) for word in words)
    return "|".join(parts) or r"(?!)"
