"""Word lists and rules of a language, from our YAML files and from a file of the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from prompts.plain_yaml import YamlError, read_yaml
from store.errors import DataError

FOLDER = Path(__file__).parent
BUILT_IN = ("en", "de", "fr", "es")
"""Languages with a file here; a text in another language passes unread."""
MAX_BYTES = 256 * 1024
NUMBER = "number"
"""In place of a list of words: any number."""

Attribute = Literal["gender", "age", "health", "religion", "origin"]


class RuleText(BaseModel):
    """One rule as a file has it.

    Attributes
    ----------
    kinds
        What the rule finds, by the list of words that says it: the name of a list, or the words
        themselves, among which ``<name>`` is a list. ``<it>`` in the pattern stands for them.
    pattern
        A regular expression; ``<name>`` stands for a list of words or for a phrase.
    in_works
        Whether it also holds in a phrase about people in films and books.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: dict[Attribute, str | tuple[str, ...]]
    pattern: str
    in_works: bool = False


class Language(BaseModel):
    """Words and rules of one language.

    Attributes
    ----------
    words
        Lists by name.
    without
        Words that are taken out of lists again, by the name of the list.
    names
        Of films, books and characters that read like an attribute, as they are capitalised.
    endings
        Endings that each word of a list may have beside none.
    phrases
        Patterns that others name.
    works
        Pattern of words after which a text tells of people in works.
    rules
        What is looked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: dict[str, tuple[str, ...]] = {}
    without: dict[str, tuple[str, ...]] = {}
    names: tuple[str, ...] = ()
    endings: dict[str, tuple[str, ...]] = {}
    phrases: dict[str, str] = {}
    works: str | None = None
    rules: tuple[RuleText, ...] = ()

    def forms(self, name: str) -> tuple[str, ...]:
        """All forms of the words of a list, endings included.

        Parameters
        ----------
        name
            Of the list.
        """
        out = {word.casefold() for word in self.without.get(name, ())}
        words = [word for word in self.words.get(name, ()) if word.casefold() not in out]
        endings = ("", *self.endings.get(name, ()))
        return tuple(dict.fromkeys(word + ending for word in words for ending in endings))

    def and_also(self, more: Language) -> Language:
        """Add the words, names, phrases and rules of another file.

        Parameters
        ----------
        more
            What is added; a phrase of the same name takes the place of the one here.
        """
        return Language(
            words=_joined(self.words, more.words),
            without=_joined(self.without, more.without),
            names=(*self.names, *more.names),
            endings=_joined(self.endings, more.endings),
            phrases={**self.phrases, **more.phrases},
            works=more.works or self.works,
            rules=(*self.rules, *more.rules),
        )


def _joined(
    one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    return {name: (*one.get(name, ()), *other.get(name, ())) for name in {**one, **other}}


@cache
def built_in() -> dict[str, Language]:
    """The languages that come with the program, by their codes."""
    return {
        code: Language.model_validate(yaml.safe_load((FOLDER / f"{code}.yaml").read_text("utf-8")))
        for code in BUILT_IN
    }


def read_lists(path: Path) -> dict[str, Language]:
    """Read a file of words: languages by their codes, each with the fields of ours.

    Parameters
    ----------
    path
        YAML, such as ``en: {names: [A Man Called Ove], words: {health: [gluten sensitive]}}``.

    Returns
    -------
    dict
        Our languages with what the file adds, and those that it adds whole.

    Raises
    ------
    DataError
        The file cannot be read, or holds something else; the message names the place.
    """
    if not path.is_file():
        raise DataError(f"private_words={str(path)!r}: there is no such file")
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: more than {MAX_BYTES // 1024} kB is no list of words")
    try:
        found, _ = read_yaml(path.read_text("utf-8"))
    except (YamlError, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}{getattr(error, 'place', '')}: {error}") from error
    languages = dict(built_in())
    for code, fields in _mapping(found, path).items():
        more = _language(path, code, fields)
        languages[code] = languages.get(code, Language()).and_also(more)
    return languages


def _mapping(found: Any, path: Path) -> dict[str, Any]:
    if not isinstance(found, dict) or not all(
        isinstance(code, str) and re.fullmatch(r"[a-z]{2,3}", code) for code in found
    ):
        raise DataError(f"{path}: write languages by their codes, such as en: {{names: [...]}}")
    return found


def _language(path: Path, code: str, fields: Any) -> Language:
    try:
        return Language.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join((code, *(str(part) for part in first["loc"])))
        known = ", ".join(Language.model_fields)
        hint = f"; known fields: {known}" if first["type"] == "extra_forbidden" else ""
        raise DataError(f"{path}: {place}: {first['msg']}{hint}") from error
