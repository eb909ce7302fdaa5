"""Packed files: gzip, bzip2, xz and zstd, told by their first bytes, unpacked up to a limit."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "zstd"}
"""Packings by the end of a name."""

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_BLOCK = 1 << 22


class TooLargeError(Exception):
    """The content is larger than it may be."""


def packing(data: bytes) -> str | None:
    """Name the packing by the first bytes; None for data that are not packed."""
    return next((name for magic, name in _MAGIC.items() if data.startswith(magic)), None)


def unpack(data: bytes, max_bytes: int) -> tuple[bytes, str | None]:
    """Unpack data that are packed.

    Returns
    -------
    content
        At most ``max_bytes``.
    packing
        Its name, None where the data were not packed.

    Raises
    ------
    TooLargeError
        There is more.
    ValueError
        The data are damaged or cut off.
    """
    name = packing(data)
    if name is None:
        return data, None
    blocks, size = [], 0
    try:
        with _OPEN[name](io.BytesIO(data)) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                if size > max_bytes:
                    raise TooLargeError
                blocks.append(block)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise ValueError(
            f"the {name} data are damaged or cut off ({error}); copy it again"
        ) from error
    return b"".join(blocks), name


@contextmanager
def unpacking(file: IO[bytes]) -> Iterator[Any]:
    """Yield the unpacked content of an open file as a stream, which is the file if not packed."""
    name = packing(file.read(8))
    file.seek(0)
    if name is None:
        yield file
        return
    with _OPEN[name](file) as stream:
        yield stream


def unpack_start(data: bytes, size: int) -> bytes:
    """Unpack as much as the beginning of a file gives, at most ``size`` bytes; never raises."""
    name = packing(data)
    if name is None:
        return data[:size]
    if name == "gzip":  # the most frequent one, and the quickest
        try:
            return zlib.decompressobj(wbits=31).decompress(data, size)
        except zlib.error:
            return b""
    start = b""
    try:
        with _OPEN[name](io.BytesIO(data)) as file:
            while len(start) < size and (block := file.read(min(4096, size - len(start)))):
                start += block
    except (OSError, EOFError, lzma.LZMAError, ValueError):
        pass  # the beginning ends inside of a packed block
    return start


def _open_zstd(file: IO[bytes]) -> Any:
    import pyarrow as pa  # takes a tenth of a second, and few files need it

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")


_OPEN: dict[str, Callable[[IO[bytes]], Any]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zstd": _open_zstd,
}
