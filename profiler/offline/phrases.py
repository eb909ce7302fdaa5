"""Whole phrases of titles, and how much each says about its items, from counts and vectors.

A phrase is a piece of a title as written: up to five words between two marks, without a function
word, a size or a model number at its ends. Scripts without spaces are cut into characters, up to
eight, and the counts tell which pieces are whole: one that nearly always goes on the same way is a
fragment. What a phrase says is told by its items: those of "wireless headphones" lie close
together, those of a colour or of a brand are scattered.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from profiler.words import FUNCTION_WORDS, PACKING_WORDS, language_of
from prompts.items import clean_text

MAX_WORDS = 5
"""Of a phrase; one word more is counted, to tell where a shorter one goes on."""
MAX_CHARACTERS = 8
MOST = 60
"""Phrases of a group that are looked at more closely."""
MAX_TITLES = 50_000
"""Titles that phrases are counted in; of more, as many evenly spaced ones."""
MAX_ROWS = 200
"""Items that tell what a phrase says; of more, as many evenly spaced ones."""
SHRINK = 2.0
"""Items of no meaning that every phrase is taken to have: few items prove little (our choice)."""
WHOLE = 0.8
"""A phrase that goes on the same way in this share of its titles is a fragment (our choice)."""

_GLUED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff"
_MARKED = (
    "\u0300-\u036f\u0e31\u0e33-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u17b6-\u17d3"
)
_TOKEN = re.compile(
    rf"(?P<glued>[\u0e40-\u0e44\u0ec0-\u0ec4]?[{_GLUED}][{_MARKED}ー]*)"
    rf"|(?P<word>[^\W_{_GLUED}](?:[^\W{_GLUED}]|['’.+&-](?=\w))*)"
    r"|(?P<joint>\s&\s|\s)"
    r"|(?P<mark>.)",
    re.DOTALL,
)
_DASH = re.compile(r"\s[-–—|/:]+\s")
_YEAR = re.compile(r"\s*\(((?:1[89]|20)\d\d)\)")
_SHORT_NAME = re.compile(r"\d[A-Za-z]")


class _Token(NamedTuple):
    start: int
    end: int
    text: str
    glued: bool
    edge: bool


class Phrase(NamedTuple):
    """A phrase of a group: its key, as written most often, and the share of titles that have it."""

    key: str
    form: str
    share: float


def year_of(title: str | None) -> int | None:
    """The year in parentheses at the end of a film's title."""
    found = _YEAR.search(title or "")
    return int(found[1]) if found else None


def without_year(title: str) -> str:
    """The title less the year in parentheses."""
    return _YEAR.sub("", title)


@lru_cache(maxsize=50_000)
def phrases_of(title: str | None, language: str = "en") -> Mapping[str, str]:
    """Phrases of a title: key (lower case, English plurals as singulars) → as written."""
    text = unicodedata.normalize("NFKC", clean_text(without_year(title or "")))
    found: dict[str, str] = {}
    for run in _runs(_DASH.sub(" ; ", text), language):
        longest = 1 + (MAX_CHARACTERS if run[0].glued else MAX_WORDS)
        for first in range(len(run)):
            if not run[first].edge:
                continue
            for last in range(first, min(first + longest, len(run))):
                if run[last].edge and (last > first or not run[first].glued):
                    key = _key(run[first : last + 1])
                    found.setdefault(key, _written(text, run[first], run[last]))
    return found


def _written(text: str, first: _Token, last: _Token) -> str:
    return " ".join(text[first.start : last.end].split())


def _key(tokens: Sequence[_Token]) -> str:
    glue = "" if tokens[0].glued else " "
    return glue.join(_singular(token.text.casefold()) for token in tokens)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _runs(text: str, language: str) -> list[list[_Token]]:
    """Tokens between marks, sizes and changes of script; a function word is never an edge."""
    silent = FUNCTION_WORDS.get(language, frozenset()) | FUNCTION_WORDS["en"]
    runs: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(text):
        if match["joint"]:
            continue
        word = match["word"] or match["glued"]
        lower = (word or "").casefold()
        if not word or lower in PACKING_WORDS or _is_number(word):
            runs.append([])
            continue
        glued = match["glued"] is not None
        if runs[-1] and runs[-1][-1].glued != glued:
            runs.append([])
        edge = lower not in silent and (glued or len(word) > 1)
        runs[-1].append(_Token(match.start(), match.end(), word, glued, edge))
    return [run for run in runs if run]


def _is_number(word: str) -> bool:
    """Sizes and model numbers: a digit anywhere, but in names like 3D and 4K."""
    return any(c.isdigit() for c in word) and not _SHORT_NAME.fullmatch(word)


@dataclass(frozen=True)
class PhraseIndex:
    """Phrases that several titles of a catalogue share.

    Attributes
    ----------
    language
        Of most titles.
    items
        Number of titles counted.
    counts
        Number of titles with each phrase.
    """

    language: str
    items: int
    counts: Mapping[str, int]
    _columns: sp.csc_matrix = field(repr=False)
    _place: Mapping[str, int] = field(repr=False)
    _vectors: NDArray[np.float32] = field(repr=False)
    _known: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, titles: Sequence[str | None], vectors: NDArray[np.float32]) -> PhraseIndex:
        """Count the phrases of a catalogue; ``vectors`` are its centred ones, ``[items, d]``."""
        step = max(1, -(-len(titles) // MAX_TITLES))
        rows = np.arange(0, len(titles), step)
        used = [titles[row] for row in rows.tolist()]
        language = language_of(title for title in used[:: max(1, len(used) // 2_000)] if title)
        counter = CountVectorizer(
            analyzer=lambda title: list(phrases_of(title, language)), min_df=2, dtype=np.int32
        )
        try:
            matrix = counter.fit_transform(used).tocsc()
            place = counter.vocabulary_
        except ValueError:  # no phrase is in two titles
            matrix, place = sp.csc_matrix((len(used), 0), dtype=np.int32), {}
        sizes = np.diff(matrix.indptr)
        counts = {key: int(sizes[column]) for key, column in place.items()}
        return cls(language, len(used), counts, matrix, place, vectors[rows])

    def vector(self, key: str) -> NDArray[np.float32]:
        """Mean of the centred vectors of a phrase's items, shrunk: long where they lie together."""
        known = self._known.get(key)
        if known is None:
            column = self._place.get(key)
            if column is None:
                known = np.zeros(self._vectors.shape[1], dtype=np.float32)
            else:
                start, stop = self._columns.indptr[column : column + 2].tolist()
                rows = self._columns.indices[start:stop]
                rows = rows[:: max(1, -(-len(rows) // MAX_ROWS))]
                known = self._vectors[rows].sum(axis=0) / np.float32(len(rows) + SHRINK)
            self._known[key] = known
        return known

    def shared(self, titles: Sequence[str | None], least: int = 2) -> list[Phrase]:
        """Whole phrases that at least ``least`` of the titles have (one, where there is one).

        Of many, the :data:`MOST` that are most frequent for their rarity (class-based TF-IDF).
        """
        found = [phrases_of(title, self.language) for title in titles]
        counts = Counter(key for phrases in found for key in phrases)
        needed = min(least, len(titles))
        common = [key for key, count in counts.items() if count >= needed]
        common.sort(key=lambda key: (-round(counts[key] * self.rarity(key), 6), key))
        kept = {key: counts[key] for key in common[:MOST]}
        whole = [key for key in kept if not _is_long(key) and not self._is_fragment(key, kept)]
        return [
            Phrase(key, _commonest([p[key] for p in found if key in p]), kept[key] / len(titles))
            for key in whole
        ]

    def rarity(self, key: str) -> float:
        """Inverse document frequency, natural logarithm."""
        return math.log((self.items + 1) / (self.counts.get(key, 1) + 1))

    def _is_fragment(self, key: str, counted: Mapping[str, int]) -> bool:
        """Whether a phrase nearly always goes on the same way, in the group or everywhere.

        What goes on with a function word is whole: "running belt" before "for phone and keys".
        """
        own, everywhere = counted[key], self.counts.get(key, 1)
        silent = FUNCTION_WORDS["en"] | FUNCTION_WORDS.get(self.language, frozenset())
        for other, found in counted.items():
            if len(other) <= len(key) or key not in other or found < WHOLE * own:
                continue
            after = other[len(key) :].split() if other.startswith(key) else []
            if after and after[0] in silent:
                continue
            if found == own or self.counts.get(other, 1) >= WHOLE * everywhere:
                return True
        return False


def is_glued(text: str) -> bool:
    """Whether a text is of a script without spaces between words."""
    found = _TOKEN.match(text)
    return found is not None and found["glued"] is not None


def _is_long(key: str) -> bool:
    return len(key) > MAX_CHARACTERS if is_glued(key) else len(key.split()) > MAX_WORDS


def _commonest(written: Sequence[str]) -> str:
    """Return the form written most often; shouting is turned to title case."""
    forms = Counter(written)
    form = min(forms, key=lambda form: (-forms[form], form))
    words = [
        word.capitalize() if word.isupper() and len(word) > 4 else word for word in form.split()
    ]
    return " ".join(words)
