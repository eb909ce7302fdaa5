"""Addresses among the sources that a user may name: which texts are one, and how they are shown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from store.data.readers.sources.address import Location
from store.data.readers.sources.registry import SOURCES
from store.errors import DataError

_SCHEME = re.compile(r"([a-z][a-z0-9.-]+)(?:\+[a-z0-9]+)?:", re.IGNORECASE)


def location_of(source: Any) -> Location | None:
    """Tell an address from a path.

    Parameters
    ----------
    source
        What was given as data; only text can be an address.

    Returns
    -------
    location
        None for paths and frames.

    Raises
    ------
    DataError
        It begins as an address does, but nothing reads its kind.
    """
    if not isinstance(source, str):
        return None
    found = _SCHEME.match(source)
    if found is None:
        return None
    scheme = found[1].lower()
    if scheme in SOURCES:
        return Location(scheme, source)
    if source.startswith("://", found.end(1)):
        known = ", ".join(SOURCES)
        raise DataError(
            f"{scheme}:// is not read: use one of {known}, or copy the data to a file first"
        )
    return None


def shown_source(source: str | Path) -> str:
    """Write a source for messages and commands to copy: without password or signature."""
    location = location_of(source)
    return str(source) if location is None else location.shown
