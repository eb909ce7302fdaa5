"""What a store's people and things are called: shoppers buy products, viewers watch films.

One vocabulary serves the whole page. It is taken from where the data came from, or named by whoever
writes the report.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import get_args

from profiler.choices import Things
from store.errors import UserError


@dataclass(frozen=True)
class Vocabulary:
    """Words of one kind of store, each in singular and plural.

    Attributes
    ----------
    person, people
        Whoever has a history.
    item, items
        What histories are made of.
    event, events
        One entry of a history.
    resemble
        How one person is like another, as in "shop alike".
    best_sellers
        What everybody takes.
    """

    person: str
    people: str
    item: str
    items: str
    event: str
    events: str
    resemble: str
    best_sellers: str

    def to_json(self) -> dict[str, str]:
        """Return the words as a JSON object."""
        return asdict(self)


VOCABULARIES: dict[str, Vocabulary] = {
    "product": Vocabulary(
        "shopper",
        "shoppers",
        "product",
        "products",
        "purchase",
        "purchases",
        "shop alike",
        "best-sellers",
    ),
    "film": Vocabulary(
        "viewer",
        "viewers",
        "film",
        "films",
        "viewing",
        "viewings",
        "watch alike",
        "the most watched",
    ),
    "song": Vocabulary(
        "listener", "listeners", "song", "songs", "play", "plays", "listen alike", "the most played"
    ),
    "article": Vocabulary(
        "reader", "readers", "article", "articles", "read", "reads", "read alike", "the most read"
    ),
    "book": Vocabulary(
        "reader", "readers", "book", "books", "read", "reads", "read alike", "the most read"
    ),
    "item": Vocabulary(
        "person",
        "people",
        "item",
        "items",
        "choice",
        "choices",
        "choose alike",
        "the most popular",
    ),
}

_TOLD_BY = {
    "film": ("movielens", "ml-1m", "ml-latest", "movie", "film", "netflix", "imdb"),
    "song": ("lastfm", "last.fm", "spotify", "song", "music", "playlist"),
    "book": ("goodreads", "book"),
    "article": ("mind", "news", "article", "adressa"),
    "product": ("amazon", "shop", "store", "retail", "order", "purchase", "basket", "grocery"),
}
_GENRE_NAMES = """
action adventure animation comedy crime documentary drama fantasy horror musical mystery romance
sci-fi thriller war western
"""
_GENRES = frozenset(_GENRE_NAMES.split())
_SHARE_OF_GENRES = 0.5


def vocabulary(things: str | None, source: str = "", categories: list[str] | None = None) -> str:
    """Name of the vocabulary that fits a store.

    Parameters
    ----------
    things
        A name the user gave; None guesses.
    source
        Where the data came from, as the store records it.
    categories
        Categories of some items; films are told by their genres.

    Raises
    ------
    UserError
        For a name that is none of :data:`profiler.choices.Things`.
    """
    if things is not None:
        if things not in VOCABULARIES:
            raise UserError(f"things {things!r}: one of {', '.join(get_args(Things))}")
        return things
    known = [c.casefold() for c in categories or []]
    if known and sum(c in _GENRES for c in known) >= _SHARE_OF_GENRES * len(known):
        return "film"
    name = source.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()
    return next((kind for kind, signs in _TOLD_BY.items() if any(s in name for s in signs)), "item")
