"""An address of data: what it is read with, and how it is written without its secrets."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

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
