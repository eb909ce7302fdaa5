"""Names for groups of items from their own words: frequent in the group, rare in the catalogue."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from profiler.words import FUNCTION_WORDS, PACKING_WORDS, WORD
from prompts.items import clean_text

_YEAR = re.compile(r"\s*\((?:1[89]|20)\d\d\)")
_EMPTY = FUNCTION_WORDS["en"] | PACKING_WORDS
MAX_TERMS = 3
SHARED_CATEGORY = 0.6
"""A category names a group if at least this share of its items has it. Our choice."""


@dataclass(frozen=True)
class CorpusWords:
    """In how many items of the catalogue each term and each category occurs.

    Attributes
    ----------
    items
        Number of items.
    terms, categories
        Document frequencies; a term is a lower-case word or two adjacent ones.
    """

    items: int
    terms: Counter[str]
    categories: Counter[str]

    @classmethod
    def of(cls, titles: Sequence[str | None], categories: Sequence[Sequence[str]]) -> CorpusWords:
        """Count a catalogue, one title and one list of categories for each item."""
        terms: Counter[str] = Counter()
        for title in titles:
            terms.update(terms_of(title).keys())
        counted = Counter(name for names in categories for name in {clean_text(n) for n in names})
        return cls(len(titles), terms, counted)

    def rarity(self, term: str) -> float:
        """Inverse document frequency of a term, natural logarithm."""
        return math.log((self.items + 1) / (self.terms[term] + 1))

    def category_rarity(self, name: str) -> float:
        """Inverse document frequency of a category, natural logarithm; 0 if every item has it."""
        return math.log((self.items + 1) / (self.categories[name] + 1))


@lru_cache(maxsize=50_000)
def terms_of(title: str | None) -> Mapping[str, str]:
    """Words and pairs of adjacent words of a title, lower case → as written.

    Words without content break a pair; years in parentheses are left out.
    """
    text = unicodedata.normalize("NFKC", clean_text(_YEAR.sub("", title or "")))
    found: dict[str, str] = {}
    before: str | None = None
    for match in WORD.finditer(text):
        word = match[0]
        if word.casefold() in _EMPTY or len(word) < 2:
            before = None
            continue
        found.setdefault(word.casefold(), word)
        if before is not None:
            found.setdefault(f"{before} {word}".casefold(), f"{before} {word}")
        before = word
    return found


def distinctive_terms(
    titles: Sequence[str | None], others: Sequence[str | None], corpus: CorpusWords
) -> list[str]:
    """At most three terms that tell a group of titles from the catalogue and from other groups.

    A term's score is the share of the group's titles that have it times its rarity in the
    catalogue (TF-IDF on the level of the group), less the same share among the subject's other
    titles; a pair of words counts half more than its words apart. A term must occur twice where
    the group has two titles or more, and shares no word with a term already taken.

    Returns
    -------
    list of str
        Best first, as written most often in the group; empty where titles share no word.
    """
    inside = _frequencies(titles)
    outside = _frequencies(others)
    needed = 2 if len(titles) > 1 else 1
    scored = []
    for term, forms in inside.items():
        count = forms.total()
        if count < needed:
            continue
        elsewhere = outside[term].total() / len(others) if term in outside else 0.0
        share = count / len(titles) - elsewhere
        score = share * corpus.rarity(term) * (1.5 if " " in term else 1.0)
        if score > 0:
            scored.append((-score, term))
    chosen: list[str] = []
    used: set[str] = set()
    for _, term in sorted(scored):
        if len(chosen) == MAX_TERMS:
            break
        if used.isdisjoint(term.split()):
            chosen.append(_commonest(inside[term]))
            used.update(term.split())
    return chosen


def shared_categories(
    categories: Sequence[Sequence[str]], corpus: CorpusWords, most: int = 2
) -> list[str]:
    """Categories that most of a group's items have, the most telling first."""
    counts = Counter(
        name for names in categories for name in {clean_text(n) for n in names} if name
    )
    scored = [
        (-count / len(categories) * corpus.category_rarity(name), name)
        for name, count in counts.items()
        if count >= SHARED_CATEGORY * len(categories) and corpus.category_rarity(name) > 0
    ]
    return [name for _, name in sorted(scored)][:most]


def join_words(words: Sequence[str]) -> str:
    """Join words as English does: "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _frequencies(titles: Sequence[str | None]) -> dict[str, Counter[str]]:
    """For each term, how often it was written in which form, once for each title."""
    found: dict[str, Counter[str]] = {}
    for title in titles:
        for term, form in terms_of(title).items():
            found.setdefault(term, Counter())[form] += 1
    return found


def _commonest(forms: Counter[str]) -> str:
    """Return the form written most often; shouting is turned to lower case."""
    form = min(forms, key=lambda form: (-forms[form], form))
    words = [word.lower() if word.isupper() and len(word) > 4 else word for word in form.split()]
    return " ".join(words)
