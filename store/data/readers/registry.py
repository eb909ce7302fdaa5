"""The formats that can be read, each with its reader."""

from __future__ import annotations

from store.data.readers.base.reader import Reader
from store.errors import UserError
from store.registry import Registry
from store.suggestions import did_you_mean

GROUP = "interest_profiler.readers"
"""Entry-point group in which another package names its readers."""

_FORMATS = "store.data.readers.formats"
_LAYOUTS = "store.data.readers.layouts"

FORMATS: Registry[Reader] = Registry(
    "format",
    GROUP,
    Reader,
    {
        "movielens": f"{_FORMATS}.movielens:READER",
        "recbole": f"{_FORMATS}.recbole:READER",
        "steam": f"{_LAYOUTS}.steam:READER",
        "yelp": f"{_LAYOUTS}.yelp:READER",
        "goodreads": f"{_LAYOUTS}.goodreads:READER",
        "mind": f"{_LAYOUTS}.mind:READER",
        "lastfm": f"{_LAYOUTS}.lastfm:READER",
        "hm": f"{_LAYOUTS}.hm:READER",
        "retailrocket": f"{_LAYOUTS}.retailrocket:READER",
        "csv": f"{_FORMATS}.tables:CSV",
        "tsv": f"{_FORMATS}.tables:TSV",
        "parquet": f"{_FORMATS}.tables:PARQUET",
        "arrow": f"{_FORMATS}.tables:ARROW",
        "huggingface": f"{_LAYOUTS}.huggingface:READER",
        "amazon": f"{_FORMATS}.amazon:READER",
    },
)

LAYOUTS = {
    "movielens": "movielens ml-100k ml-1m ml-10m ml-20m ml-25m ml-32m ml-latest ml-latest-small",
    "amazon": "amazon amazon-2014 amazon-2018 amazon-2023",
    "steam": "steam",
    "yelp": "yelp",
    "goodreads": "goodreads",
    "mind": "mind mind-small mind-large",
    "lastfm": "lastfm lastfm-1k lastfm-360k lastfm-hetrec hetrec",
    "hm": "hm h&m",
    "retailrocket": "retailrocket",
    "huggingface": "huggingface hf",
}
"""Published data sets: the names of each by the format that reads it."""


def layout_format(name: str) -> str:
    """Return the format of a published data set.

    Parameters
    ----------
    name
        Such as ``movielens``, or an edition of it such as ``ml-1m``; case does not matter.

    Raises
    ------
    UserError
        No layout has this name.
    """
    asked = name.lower()
    for form, names in LAYOUTS.items():
        if asked in names.split():
            return form
    known = [one for names in LAYOUTS.values() for one in names.split()]
    raise UserError(
        f"layout={name}: there is no such layout{did_you_mean(asked, known)}; use one of"
        f" {', '.join(LAYOUTS)}, or `format` for a file of your own"
    )
