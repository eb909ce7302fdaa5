"""From a path to bytes that can be trusted to be text: gzip, encoding, and names that lie."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from store.data.readers.base.problems import Kind, Problems
from store.errors import DataError

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
PARQUET = b"PAR1"
FOREIGN = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"BZh": "bzip2 data",
    b"\xfd7zXZ": "xz data",
    b"\x28\xb5\x2f\xfd": "zstd data",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
}
TEXT = (".csv", ".tsv", ".txt", ".dat", ".json", ".jsonl", ".inter", ".item")


def suffix(path: Path) -> str:
    """File type by name, without ``.gz``: ``.csv`` for ``a.csv.gz``."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def stem(path: Path) -> str:
    """Name in lower case without ``.gz`` and the file type: ``a`` for ``A.csv.gz``."""
    return path.name.lower().removesuffix(".gz").removesuffix(suffix(path))


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
        names = ", ".join(path.name for path in files[:10])
        raise DataError(f"{len(files)} files hold {what}: {names}; name the one to read")
    return files[0]


def first_line(path: Path, size: int = 1 << 16) -> str:
    """First line that is not blank, as far as ``size`` bytes reach; never raises."""
    start = head(path, size).removeprefix(BOM).lstrip(b"\r\n")
    return start.partition(b"\n")[0].decode(errors="replace").rstrip("\r")


def load(path: Path, problems: Problems) -> bytes:
    """Read a file, gzip or not.

    Raises
    ------
    DataError
        The file does not exist or may not be read.
    UnusableFileError
        The file is empty, or its content is not what its name says.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    name = path.name
    if not data:
        raise problems.fatal(Kind.EMPTY, name, "the file is empty")
    if data.startswith(GZIP):
        data = _gunzip(data, path, problems)
    elif name.lower().endswith(".gz"):
        raise problems.fatal(
            Kind.NAME, name, "the name ends in .gz, but the content is not gzip; rename the file"
        )
    if not data.strip():
        raise problems.fatal(Kind.EMPTY, name, "the file is empty")
    _check_name(data, path, problems)
    return data


def head(path: Path, size: int = 1 << 16) -> bytes:
    """First bytes of a file after gzip, empty where they cannot be had; never raises."""
    try:
        with path.open("rb") as file:
            data = file.read(size)
    except OSError:
        return b""
    if not data.startswith(GZIP):
        return data
    try:
        return zlib.decompressobj(wbits=31).decompress(data, size)
    except zlib.error:
        return b""


def to_utf8(data: bytes, file: str, separator: bytes, problems: Problems) -> bytes:
    """Drop a byte-order mark and name every line that is not UTF-8; its bytes become U+FFFD."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise problems.fatal(Kind.ENCODING, file, "the file is UTF-16; save it as UTF-8")
    data = data.removeprefix(BOM)
    try:
        data.decode()
    except UnicodeDecodeError:
        _name_bad_lines(data, file, separator, problems)
        return data.decode(errors="replace").encode()
    return data


def _gunzip(data: bytes, path: Path, problems: Problems) -> bytes:
    try:
        plain = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise problems.fatal(
            Kind.NAME, path.name, f"the gzip data are damaged or cut off ({error}); copy it again"
        ) from error
    if not path.name.lower().endswith(".gz"):
        problems.notes.append(f"{path.name} is gzip although its name does not say so")
    return plain


def _check_name(data: bytes, path: Path, problems: Problems) -> None:
    kind = suffix(path)
    found = next((what for magic, what in FOREIGN.items() if data.startswith(magic)), None)
    if data.startswith(PARQUET) and kind in TEXT:
        found = "Parquet"
    if kind == ".parquet" and not data.startswith(PARQUET):
        found = found or "not Parquet"
    if found is None and b"\x00" in data[:4096] and not data.startswith((PARQUET, b"\xff\xfe")):
        found = "UTF-16" if data.startswith(b"\xfe\xff") else "binary data"
        if found == "UTF-16":
            return
    if found is not None:
        expected = kind.removeprefix(".") or "a text file"
        raise problems.fatal(
            Kind.NAME, path.name, f"the name says {expected}, but the content is {found}"
        )


def _name_bad_lines(data: bytes, file: str, separator: bytes, problems: Problems) -> None:
    lines = data.split(b"\n")
    header = lines[0].decode(errors="replace").strip().split(separator.decode())
    for number, line in enumerate(lines, start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = line[: error.start].count(separator)
            bad = line[error.start : error.start + 1].hex()
            problems.add(
                Kind.ENCODING,
                file,
                f"byte 0x{bad} is not UTF-8; save the file as UTF-8",
                row=number,
                column=header[place] if place < len(header) else None,
                value=f"0x{bad}",
            )
