"""Where a store is published: an address as it is typed, and what of it may be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from store.data.readers.sources.address import Location
from store.errors import UserError

TargetKind = Literal["postgresql", "duckdb", "parquet"]
FORMS = "postgresql://USER@HOST/DATABASE, duckdb:FILE or parquet:FOLDER"


class PublishError(UserError):
    """A target cannot be written or read: away, refusing, or holding what is not ours."""

    kind = "target"


@dataclass(frozen=True)
class Address:
    """A target.

    Attributes
    ----------
    kind
        What it is.
    shown
        The address without user, password and options: for messages, logs and the store.
    path
        File or folder of ``duckdb`` and ``parquet``.
    url
        Address of a server, as it was given.
    """

    kind: TargetKind
    shown: str
    path: Path = field(default_factory=Path)
    url: str = field(default="", repr=False)

    def clean(self, message: object) -> str:
        """A message of a library in one line, without the password of the address."""
        text = " ".join(str(message).split())
        for secret in _secrets(self.url):
            text = text.replace(secret, "[secret]")
        return text


def read_address(text: str) -> Address:
    """Read a target's address.

    Raises
    ------
    PublishError
        If it is none of :data:`FORMS`. What was typed is not repeated: it may hold a password.
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme in ("duckdb", "parquet") and rest and not rest.startswith("//"):
        path = Path(rest)
        kind: TargetKind = "duckdb" if scheme == "duckdb" else "parquet"
        return Address(kind, f"{scheme}:{path}", path=path)
    if colon and scheme in ("postgresql", "postgres") and rest.startswith("//"):
        return _server(text)
    raise PublishError(f"no address of a target: write {FORMS}")


def _server(text: str) -> Address:
    try:
        parts = urlsplit(text)
        _ = parts.port  # which is read only now
    except ValueError as error:
        raise PublishError(
            "the address cannot be read; signs such as @ : / in a password are written as %40 %3A "
            f"%2F: {FORMS}"
        ) from error
    if not parts.path.strip("/"):
        raise PublishError(f"the address names no database: {FORMS}")
    return Address("postgresql", Location("postgresql", text).recorded, url=text)


def _secrets(url: str) -> list[str]:
    """The password of an address as it is written and as it is meant."""
    if not url:
        return []
    parts = urlsplit(url)
    found = [parts.password or "", dict(parse_qsl(parts.query)).get("password", "")]
    spelled = [*found, *map(unquote, found)]
    return sorted({one for one in spelled if one}, key=len, reverse=True)
