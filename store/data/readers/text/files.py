"""Files by name and content: what a folder holds, the beginning of a file, all of it."""

from __future__ import annotations

import io
import lzma
import os
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from store.data.readers.base.options import MAX_BYTES
from store.data.readers.base.problems import Kind, Problems
from store.data.readers.text.compression import (
    PACKED,
    TooLargeError,
    unpack,
    unpack_start,
    unpacking,
)
from store.data.readers.text.encoding import decode_start
from store.errors import DataError

PARQUET = b"PAR1"
ARROW = b"ARROW1"
FOREIGN = {
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet or document; save the sheet as CSV",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\x00\x05\x16\x07": "macOS metadata; the data are in the file without ._ before its name",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"<!DOCTYPE": "a web page; download the file itself",
    b"<!doctype": "a web page; download the file itself",
    b"<html": "a web page; download the file itself",
    b"<?xml": "XML",
}
TEXT = (".csv", ".tsv", ".txt", ".dat", ".json", ".jsonl", ".inter", ".item")
_BLOCK = 1 << 20


def suffix(path: Path) -> str:
    """File type by name, without that of packing: ``.csv`` for ``a.csv.gz``."""
    return Path(_unpacked_name(path)).suffix


def stem(path: Path) -> str:
    """Name in lower case without packing and file type: ``a`` for ``A.csv.gz``."""
    return _unpacked_name(path).removesuffix(suffix(path))


def _unpacked_name(path: Path) -> str:
    name = shown_name(path).lower()
    end = next((end for end in PACKED if name.endswith(end)), "")
    return name.removesuffix(end)


def shown_name(path: Path) -> str:
    """Name of a file for messages; bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(path.name).decode(errors="replace")


def shown_path(path: Path) -> str:
    """Path for messages; bytes that are not UTF-8 become U+FFFD."""
    return os.fsencode(path).decode(errors="replace")


def visible_files(folder: Path) -> list[Path]:
    """Files of a folder by name, without hidden ones (``.DS_Store``, ``._name`` of macOS)."""
    return sorted(
        path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()
    )


def named(files: Sequence[Path], wanted: str, suffixes: tuple[str, ...]) -> Path | None:
    """First of the files with this :func:`stem` and one of these suffixes."""
    return next((path for path in files if stem(path) == wanted and suffix(path) in suffixes), None)


def single(files: Sequence[Path], what: str) -> Path:
    """Return the one file there is.

    Raises
    ------
    DataError
        There are more; the message lists them.
    """
    if len(files) > 1:
        names = ", ".join(shown_name(path) for path in files[:10])
        raise DataError(f"{len(files)} files hold {what}: {names}; name the one to read")
    return files[0]


def head(path: Path, size: int = 1 << 16) -> bytes:
    """First bytes of a file after unpacking, empty where they cannot be had; never raises."""
    try:
        with path.open("rb") as file:
            data = file.read(size)
    except OSError:
        return b""
    return unpack_start(data, size)


def first_line(path: Path, size: int = 1 << 16) -> str:
    """First line that is not blank, as far as ``size`` bytes reach; never raises."""
    start = decode_start(head(path, size)).lstrip("\r\n")
    return start.partition("\n")[0].partition("\r")[0]


@contextmanager
def rereadable(path: Path) -> Iterator[Path]:
    """Yield a path that can be read more than once: what comes through a pipe is kept aside.

    Raises
    ------
    DataError
        It cannot be read, or nowhere be kept.
    """
    if not path.exists() or path.is_file() or path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="profiler-") as folder:
        kept = Path(folder) / f"pipe-{path.name}"
        try:
            with path.open("rb") as pipe, kept.open("wb") as file:
                while block := pipe.read(1 << 20):
                    file.write(block)
        except OSError as error:
            raise DataError(f"cannot read {shown_path(path)}: {error.strerror}") from error
        yield kept


def lines(path: Path, max_bytes: int = MAX_BYTES) -> Iterator[bytes]:
    """Yield the lines of a file, packed or not; only one block of it is in memory.

    Raises
    ------
    DataError
        The file cannot be read, or its packed content is damaged.
    TooLargeError
        It is larger than ``max_bytes`` unpacked.
    """
    size = 0
    try:
        with path.open("rb") as file, unpacking(file) as stream:
            for line in io.BufferedReader(stream, _BLOCK) if stream is not file else stream:
                size += len(line)
                if size > max_bytes:
                    raise TooLargeError
                yield line
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {shown_path(path)}: {said}; copy it again") from error


def load(path: Path, problems: Problems, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a file, packed (gzip, bzip2, xz, zstd) or not.

    Raises
    ------
    DataError
        The file does not exist, may not be read, or is larger than ``max_bytes``.
    UnusableFileError
        The file is empty, or its content is not what its name says.
    """
    name = shown_name(path)
    try:
        if path.stat().st_size > max_bytes:
            raise TooLargeError
        data = path.read_bytes()
        if not data:
            raise problems.fatal(Kind.EMPTY, name, "the file is empty")
        data, packed = unpack(data, max_bytes)
    except TooLargeError:
        raise DataError(
            f"{name} holds more than {max_bytes:,} bytes"
            + (" unpacked" if name.lower().endswith(tuple(PACKED)) else "")
            + "; raise max_bytes if it is to be read all the same"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {shown_path(path)}: {error.strerror or error}") from error
    except ValueError as error:
        raise problems.fatal(Kind.NAME, name, str(error)) from error
    _check_packing(name, packed, problems)
    if not data.strip():
        raise problems.fatal(Kind.EMPTY, name, "the file is empty")
    _check_name(data, path, problems)
    return data


def _check_packing(name: str, packed: str | None, problems: Problems) -> None:
    end = next((end for end in PACKED if name.lower().endswith(end)), None)
    if packed is not None and end is None:
        problems.notes.append(f"{name} is {packed} although its name does not say so")
    elif end is not None and packed != PACKED[end]:
        raise problems.fatal(
            Kind.NAME,
            name,
            f"the name ends in {end}, but the content is not {PACKED[end]}; rename the file",
        )


def _check_name(data: bytes, path: Path, problems: Problems) -> None:
    kind = suffix(path)
    found = next((what for magic, what in FOREIGN.items() if data.startswith(magic)), None)
    if kind in TEXT and data.startswith((PARQUET, ARROW)):
        found = "Parquet" if data.startswith(PARQUET) else "Arrow"
    if kind == ".parquet" and not data.startswith(PARQUET):
        found = found or "not Parquet"
    if found is None and not data.startswith((PARQUET, ARROW)) and _is_binary(data[:4096]):
        found = "binary data"
    if found is not None:
        expected = kind.removeprefix(".") or "a text file"
        raise problems.fatal(
            Kind.NAME,
            shown_name(path),
            f"the name says {expected}, but the content is {found}",
        )


def _is_binary(start: bytes) -> bool:
    """Whether control bytes are more than a stray few, in what decodes to no other text."""
    if 0 not in start:
        return False
    text = decode_start(start)
    control = sum(1 for sign in text if sign < " " and sign not in "\t\n\r\f")
    return control * 50 > len(text)
