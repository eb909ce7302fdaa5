"""Addresses of data that are no path: what they name, and how they are written without secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from store.data.readers.sources.registry import SOURCES
from store.errors import DataError

_SCHEME = re.compile(r"([a-z][a-z0-9.-]+)(?:\+[a-z0-9]+)?:", re.IGNORECASE)
_HARMLESS = ("host", "port", "dbname", "user", "sslmode", "service")
"""Parameters of a database's address that may be shown; every other one is left out."""


@dataclass(frozen=True)
class Location:
    """One address.

    Attributes
    ----------
    scheme
        Such as ``postgresql`` or ``https``: what it is read with.
    text
        The whole address, which may hold a password: it is never printed or stored.
    """

    scheme: str
    text: str

    @property
    def shown(self) -> str:
        """The address without password and signatures, as commands print it."""
        return _cleaned(self, with_user=True)

    @property
    def recorded(self) -> str:
        """The address without any name of a user, as stores and notes have it."""
        return _cleaned(self, with_user=False)

    def __repr__(self) -> str:
        return f"Location({self.recorded!r})"


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


def _cleaned(location: Location, *, with_user: bool) -> str:
    if location.scheme == "duckdb":
        return location.text
    parts = urlsplit(location.text)
    user, at, host = parts.netloc.rpartition("@")
    is_database = location.scheme in ("postgresql", "postgres")
    name = user.partition(":")[0] if is_database and with_user else ""
    kept = [
        (key, value)
        for key, value in parse_qsl(parts.query)
        if is_database and key in _HARMLESS and (with_user or key != "user")
    ]
    netloc = f"{name}{at}{host}" if name else host
    query = urlencode(kept, safe="/")
    return f"{parts.scheme}://{netloc}{parts.path}" + (f"?{query}" if query else "")
