"""Object stores that speak S3: one object, or all objects right below a prefix.

Credentials, region and endpoint come from the environment, as for every program that speaks S3.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from store.data.readers.base.options import ReadOptions
from store.data.readers.sources.address import Location
from store.data.readers.sources.source import Brought, Source, Tell
from store.digests import canonical_json, text_digest
from store.errors import DataError

MOST_OBJECTS = 1000
ATTEMPTS = 3
_BLOCK = 1 << 22
_ANONYMOUS = ("AWS_NO_SIGN_REQUEST",)
_TRUE = ("1", "true", "yes", "on")


def bring(location: Location, options: ReadOptions, folder: Path, tell: Tell) -> Brought:
    """Copy an object, or the objects of a prefix that ends in a slash.

    Raises
    ------
    DataError
        There is no such object, access is refused, or the objects are too large.
    """
    import pyarrow as pa
    from pyarrow import fs

    parts = urlsplit(location.text)
    where = parts.netloc.rpartition("@")[2] + parts.path
    try:
        system = _system(fs)
        objects = _objects(fs, system, where, location.recorded)
        total = sum(one.size or 0 for one in objects)
        if total > options.max_bytes:
            raise DataError(
                f"{location.recorded} holds more than {options.max_bytes:,} bytes; raise max_bytes"
                " if it is to be read all the same"
            )
        digests, done = {}, 0
        for one in objects:
            path = folder / PurePosixPath(one.path).name
            digests[path.name] = _copy(system, one.path, path)
            done += path.stat().st_size
            tell(f"fetching {location.recorded}", done, total)
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split("\n")[0].split())
        raise DataError(
            f"cannot read {location.recorded}: {said}; check the address, the network,"
            " AWS_ENDPOINT_URL and the credentials (AWS_ACCESS_KEY_ID …, or AWS_NO_SIGN_REQUEST=1"
            " for what is public)"
        ) from None
    notes = [f"{location.recorded}: {name}, sha256:{one}" for name, one in digests.items()]
    if where.endswith("/"):
        return Brought(folder, notes=notes, detail=text_digest(canonical_json(digests)))
    ((name, digest),) = digests.items()
    return Brought(folder / name, notes=notes, detail=f"sha256:{digest}")


def _system(fs: Any) -> Any:
    """The client, set up by the variables that other programs know."""
    how: dict[str, Any] = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        how |= {"endpoint_override": parts.netloc or parts.path, "scheme": parts.scheme or "https"}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        how["region"] = region
    if any(os.environ.get(name, "").lower() in _TRUE for name in _ANONYMOUS):
        how["anonymous"] = True
    retry = fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS)
    return fs.S3FileSystem(retry_strategy=retry, connect_timeout=15, request_timeout=60, **how)


def _objects(fs: Any, system: Any, where: str, address: str) -> list[Any]:
    if not where.endswith("/"):
        found = system.get_file_info(where)
        if found.type != fs.FileType.File:
            advice = "end the address in a slash to read what lies below it"
            raise DataError(f"{address}: there is no such object; check its name, or {advice}")
        return [found]
    below = system.get_file_info(fs.FileSelector(where.rstrip("/"), allow_not_found=True))
    files = sorted((one for one in below if one.type == fs.FileType.File), key=lambda one: one.path)
    if not files:
        raise DataError(f"{address}: there are no objects right below this prefix")
    if len(files) > MOST_OBJECTS:
        raise DataError(f"{address} has more than {MOST_OBJECTS:,} objects; name a smaller prefix")
    return files


def _copy(system: Any, where: str, path: Path) -> str:
    """Copy an object into a new file; return its SHA-256."""
    digest = hashlib.sha256()
    with system.open_input_stream(where) as stream, path.open("xb") as file:
        while block := stream.read(_BLOCK):
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


SOURCE = Source(bring)
