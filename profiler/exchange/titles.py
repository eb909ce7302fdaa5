"""Finding an item by what somebody wrote for it: its id, its title, or nearly its title."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

Way: TypeAlias = Literal["id", "title", "normalised"]

_YEAR = re.compile(r"\s*\((?:1[89]|20)\d\d\)\s*$")
_ASIDE = re.compile(r"\s*\([^()]*\)")
_LAST_ARTICLE = re.compile(
    r"^(.*),\s*(the|a|an|l[eao]s?|il|der|die|das|el|un|une|los|gli)(?=\s*(?:\(|$))", re.IGNORECASE
)
_FIRST_ARTICLE = re.compile(r"^(?:the|a|an)\s+")


# A letter lost upstream: the replacement character, or its UTF-8 bytes read as Latin-1.
_LOST = re.compile("(?:\ufffd|ï¿½)+")


@lru_cache(maxsize=200_000)
def normal_title(title: str) -> str:
    """Form in which nearly equal titles are equal; the year stays.

    Case, accents, punctuation and spacing are evened out, and an article at the end ("Rock, The")
    is moved away like one at the beginning.
    """
    text = _LAST_ARTICLE.sub(r"\1", title.strip())
    text = unicodedata.normalize("NFKD", text)
    text = "".join(char for char in text if not unicodedata.combining(char)).casefold()
    text = text.replace("&", " and ").replace("'", "").replace("’", "")
    text = " ".join(re.sub(r"[\W_]+", " ", text).split())
    return _FIRST_ARTICLE.sub("", text)


@lru_cache(maxsize=200_000)
def short_title(title: str) -> str:
    """The normal form without year and other asides in parentheses."""
    bare = _ASIDE.sub("", _YEAR.sub("", title)).strip()
    return normal_title(bare or title)


class TitleIndex:
    """Items of one shop, or of one person, by id and title.

    Parameters
    ----------
    items
        ``(item_ix, item_id, title)``; the title may be None.
    """

    def __init__(self, items: Iterable[tuple[int, str, str | None]]) -> None:
        self._ids: dict[str, int] = {}
        self._exact: dict[str, set[int]] = defaultdict(set)
        self._normal: dict[str, set[int]] = defaultdict(set)
        self._short: dict[str, set[int]] = defaultdict(set)
        for item_ix, item_id, title in items:
            self._ids[item_id] = item_ix
            if title and normal_title(title):
                self._exact[title.strip()].add(item_ix)
                self._normal[normal_title(title)].add(item_ix)
                self._short[short_title(title)].add(item_ix)

    def find(self, written: str) -> tuple[Sequence[int], Way | None]:
        """Items that ``written`` may mean, by the first way that finds any.

        An id, then the exact title, then its normal form with the year, then without, then the
        title with letters lost to a wrong encoding. More than one item means that it is ambiguous.
        """
        if written in self._ids:
            return [self._ids[written]], "id"
        exact = self._exact.get(written.strip())
        if exact:
            return sorted(exact), "title"
        forms: list[tuple[Mapping[str, set[int]], str]] = [(self._normal, normal_title(written))]
        if not _YEAR.search(written):
            forms.append((self._short, short_title(written)))
        for index, form in forms:
            if form and form in index:
                return sorted(index[form]), "normalised"
        damaged = self._damaged(written)
        return damaged, "normalised" if damaged else None

    def _damaged(self, written: str) -> list[int]:
        """Items whose title is the same but for letters that were lost in ``written``."""
        parts = _LOST.split(written.strip())
        if len(parts) == 1 or not normal_title("".join(parts)):
            return []
        pattern = re.compile(r"[^\W\d_]{1,2}".join(map(re.escape, parts)))
        return sorted(
            item
            for title, items in self._exact.items()
            if pattern.fullmatch(title)
            for item in items
        )
