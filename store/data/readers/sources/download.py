"""Files of web servers: fetched into a private file, resumed where the connection broke off."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from store.data.readers.base.options import ReadOptions
from store.data.readers.sources.address import Location
from store.data.readers.sources.source import Brought, Source, Tell
from store.errors import DataError, UserError

if TYPE_CHECKING:
    import httpx

ATTEMPTS = 5
"""Times that a download is begun or gone on with before it is given up. Our choice."""

REDIRECTS = 5
TIMEOUT_S = 30.0
_BUSY = frozenset({429, 500, 502, 503, 504})
_ADVICE = {
    401: "it wants a name and a password: https://NAME:PASSWORD@HOST/…",
    403: "it refuses access; check the address and whether it has expired",
    404: "there is nothing at this address; check its spelling",
    410: "what was there is gone",
}


class _BrokenOffError(Exception):
    """The connection ended early; going on is worth a try."""


def bring(location: Location, options: ReadOptions, folder: Path, tell: Tell) -> Brought:
    """Fetch one file; items at another address are fetched when they are read.

    Raises
    ------
    DataError
        There is no such server or file, it is too large, or it moved to another scheme.
    UserError
        The package is not installed.
    """
    name = Path(unquote(urlsplit(location.text).path)).name
    path = folder / (name if name not in ("", "..") else "download")
    digest = fetch(location, path, options.max_bytes, tell)
    size = path.stat().st_size
    note = f"{location.recorded}: {size:,} bytes, sha256:{digest}"
    return Brought(path, notes=[note], detail=f"sha256:{digest}")


def fetch(
    location: Location,
    path: Path,
    max_bytes: int,
    tell: Tell,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> str:
    """Fetch a file into a new file.

    Parameters
    ----------
    location
        Where it lies; a name and password before ``@`` are sent to that server alone.
    path
        The new file, in a folder that is only the user's.
    max_bytes
        Its largest size.
    tell
        Told how many bytes there are.
    wait
        Called with the seconds to wait before the download is gone on with.

    Returns
    -------
    digest
        SHA-256 of the file, in hexadecimal digits.

    Raises
    ------
    DataError
        It cannot be fetched.
    UserError
        The package is not installed.
    """
    try:
        import httpx
    except ImportError:
        raise UserError(
            f"{location.scheme}:// needs the package httpx; install it with: "
            "pip install 'interest-profiler[http]'"
        ) from None
    download = _Download(location, max_bytes, tell)
    try:
        with path.open("xb") as file, httpx.Client(timeout=TIMEOUT_S) as client:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    download.go_on(client, file)
                    break
                except (httpx.TransportError, _BrokenOffError) as error:
                    hopeless = isinstance(error, httpx.UnsupportedProtocol) or (
                        isinstance(error, httpx.ConnectError) and not file.tell()
                    )
                    if attempt == ATTEMPTS or hopeless:
                        raise DataError(_gave_up(location, error, file.tell())) from None
                    wait(2.0 ** (attempt - 1))
    except httpx.InvalidURL:
        raise DataError(f"{location.recorded} is no address that can be read") from None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _gave_up(location: Location, error: Exception, size: int) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    got = f" after {size:,} bytes" if size else ""
    return (
        f"cannot fetch {location.recorded}{got}: {said}; check the network and the address, and"
        " run the command again"
    )


class _Download:
    """One file on its way: what of it is there, and by what it is known to be the same."""

    def __init__(self, location: Location, max_bytes: int, tell: Tell) -> None:
        self._location, self._most, self._tell = location, max_bytes, tell
        self._validator: str | None = None

    def go_on(self, client: httpx.Client, file: BinaryIO) -> None:
        """Fetch what is missing, or all of it where the file has changed or has no version."""
        import httpx

        start = file.tell() if self._validator else 0
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-", "If-Range": self._validator or ""}
        url = httpx.URL(self._location.text)
        for _ in range(REDIRECTS):
            with client.stream("GET", url, headers=headers) as response:
                if response.is_redirect:
                    url = self._next(url, response)
                    continue
                self._refuse_status(response)
                self._keep(response, file, start)
                return
        raise DataError(f"{self._location.recorded} leads on to other addresses without end")

    def _next(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        """Follow a redirect within the scheme; a password goes to no other server."""
        onward = url.join(response.headers["location"])
        if onward.scheme != url.scheme:
            raise DataError(
                f"{self._location.recorded} leads on to {onward.scheme}:// of {onward.host},"
                " which is not followed; give that address if you trust it"
            )
        if (onward.host, onward.port) != (url.host, url.port):
            return onward.copy_with(username="", password="")
        return onward.copy_with(username=url.username, password=url.password)

    def _refuse_status(self, response: httpx.Response) -> None:
        code = response.status_code
        if code in _BUSY:
            raise _BrokenOffError(f"the server answers {code}")
        if code not in (200, 206):
            advice = _ADVICE.get(code, "check the address")
            raise DataError(f"cannot fetch {self._location.recorded}: {code}; {advice}")

    def _keep(self, response: httpx.Response, file: BinaryIO, start: int) -> None:
        if response.status_code == 206:
            if not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
                raise DataError(f"{self._location.recorded} sent another part than it was asked")
        else:  # all of it: it has changed, or its server cannot go on in the middle
            start = 0
        file.seek(start)
        file.truncate()
        tag = response.headers.get("etag", "")
        weak = tag.startswith("W/")  # equal only in meaning, not byte for byte
        self._validator = (tag if tag and not weak else None) or response.headers.get(
            "last-modified"
        )
        length = response.headers.get("content-length", "")
        whole = start + int(length) if length.isdigit() else 0
        self._refuse_size(whole)
        for block in response.iter_raw():  # as it comes: whole blocks would be lost with the end
            file.write(block)
            self._refuse_size(file.tell())
            self._tell(f"fetching {self._location.recorded}", file.tell(), whole)
        if whole and file.tell() != whole:
            raise _BrokenOffError(f"{file.tell():,} of {whole:,} bytes came")

    def _refuse_size(self, size: int) -> None:
        if size > self._most:
            raise DataError(
                f"{self._location.recorded} holds more than {self._most:,} bytes; raise max_bytes"
                " if it is to be read all the same"
            )


SOURCE = Source(bring)
