"""Bytes → UTF-8: byte-order marks, UTF-16 and UTF-32, Windows-1252, or the encoding that is named.

Windows-1252 is what spreadsheets of Western Europe and America write. It is recognised where no
byte contradicts it and what it gives reads like words; anything else has to be named, because no
guess between the other one-byte encodings is safe.
"""

from __future__ import annotations

import codecs
import re

from store.data.readers.base.problems import Kind, Problems

BOM = codecs.BOM_UTF8
WESTERN = "cp1252"
_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252 (cp1252)"}
_ESCAPED = re.compile("[\udc80-\udcff]")
_HIGH = re.compile(r"[^\x00-\x7f]")
# What UTF-8 writes as two bytes that are a capital A and a sign elsewhere, and so rare together.
_LATIN = re.compile("[\x80-\xff]")
# Signs that hardly ever touch a letter in Western text, but do where the encoding is another one.
_ODD = re.compile(
    r"[^\W\d_][„«¢£¤¥¦§¨¬¯±¶¸¹¼¾×÷‚†‡ˆ‰‹˜•¿¡]|[¢£¤¥¦§¨¬¯±¶¸¹¼¾×÷‚†‡ˆ‰›˜•³²µ][^\W\d_]|[\x80-\x9f]"
)


def to_utf8(
    data: bytes, file: str, problems: Problems, *, separator: str = "", encoding: str | None = None
) -> bytes:
    """Bring text to UTF-8 without a byte-order mark; what was assumed is noted.

    In a file that is UTF-8 but for single bytes, every line with such a byte is named and the byte
    becomes U+FFFD.

    Parameters
    ----------
    separator
        What stands between columns, to name the column of a byte.
    encoding
        The encoding that the user named.

    Raises
    ------
    UnusableFileError
        The bytes are not of the encoding that was named.
    """
    if encoding is not None:
        return _decode(data, encoding, file, problems).encode(errors="replace")
    marked = encoding_by_marks(data)
    if marked is not None:
        problems.notes.append(f"{file} was read as {marked.upper()}")
        return _decode(data, marked, file, problems).encode()
    data = data.removeprefix(BOM)
    try:
        data.decode()
    except UnicodeDecodeError:
        pass
    else:
        return data
    if is_western(data):
        problems.notes.append(
            f"{file} is not UTF-8 and was read as {_NAMES[WESTERN]}; if signs look wrong, name its"
            " encoding"
        )
        return data.decode(WESTERN).encode()
    _name_bad_lines(data, file, separator, problems)
    return data.decode(errors="replace").encode()


def decode_start(data: bytes) -> str:
    """Text of the beginning of a file, whatever its encoding; what is no text becomes U+FFFD."""
    marked = encoding_by_marks(data)
    if marked is not None:
        return data.decode(marked, errors="replace").removeprefix("\ufeff")
    data = data.removeprefix(BOM)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(WESTERN if is_western(data) else "utf-8", errors="replace")


def encoding_by_marks(data: bytes) -> str | None:
    """UTF-16 or UTF-32 by the byte-order mark, or by every second byte being zero."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    start = data[:4096]
    if len(start) < 4 or 0 not in start:
        return None
    even, odd = start[::2], start[1::2]
    if not even.count(0) and odd.count(0) * 10 >= len(odd) * 7:
        return "utf-16-le"
    if not odd.count(0) and even.count(0) * 10 >= len(even) * 7:
        return "utf-16-be"
    return None


def is_western(data: bytes) -> bool:
    """Whether bytes that are not UTF-8 read like Windows-1252."""
    text = data.decode(errors="surrogateescape")
    lone = len(_ESCAPED.findall(text))
    if _LATIN.search(text) or len(_HIGH.findall(text)) >= 2 * lone:
        return False  # it is UTF-8, but for single bytes
    try:
        text = data.decode(WESTERN)
    except UnicodeDecodeError:
        return False
    high = len(_HIGH.findall(text))
    in_runs = sum(len(run) for run in re.findall(r"[^\x00-\x7f]{3,}", text))
    return in_runs * 10 <= high and len(_ODD.findall(text)) * 20 <= high


def _decode(data: bytes, encoding: str, file: str, problems: Problems) -> str:
    try:
        text = data.decode(encoding)
    except (UnicodeError, ValueError) as error:
        row = data[: getattr(error, "start", 0)].count(b"\n") + 1
        raise problems.fatal(
            Kind.ENCODING, file, f"the file is not {encoding}: {error}", row=row
        ) from error
    return text.removeprefix("\ufeff")


def _name_bad_lines(data: bytes, file: str, separator: str, problems: Problems) -> None:
    lines = data.split(b"\n")
    mark = separator.encode()
    names = lines[0].decode(errors="replace").strip().split(separator) if separator else []
    for number, line in enumerate(lines, start=1):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = line[: error.start].count(mark) if mark else len(names)
            bad = line[error.start : error.start + 1].hex()
            problems.add(
                Kind.ENCODING,
                file,
                f"byte 0x{bad} is not UTF-8; save the file as UTF-8, or name its encoding",
                row=number,
                column=names[place] if place < len(names) else None,
                value=f"0x{bad}",
            )
