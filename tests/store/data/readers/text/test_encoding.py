"""Bytes that are not UTF-8: recognised where nothing contradicts it, else named."""

from __future__ import annotations

import codecs

import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.text.encoding import encoding_by_marks, is_western
from store.errors import DataError

GERMAN = "user_id,item_id,timestamp,title\n" + "".join(
    f"u{n},i{n},{1391126400 + n},Gießkanne für {n} Gärten – “groß”\n" for n in range(5)
)


def write(path, data: bytes):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [
        ("utf-8", codecs.BOM_UTF8, None),
        ("utf-16-le", codecs.BOM_UTF16_LE, "UTF-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "UTF-16"),
        ("utf-32-le", codecs.BOM_UTF32_LE, "UTF-32"),
        ("utf-16-le", b"", "UTF-16"),
        ("utf-16-be", b"", "UTF-16"),
        ("cp1252", b"", "Windows-1252"),
    ],
)
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_encodings_of_spreadsheets(tmp_path, encoding, mark, said, line):
    # 0.1.0 named a hundred lines of a German spreadsheet as broken.
    data = mark + GERMAN.replace("\n", line).encode(encoding)
    raw = read(write(tmp_path / "log.csv", data))
    assert raw.problems == []
    assert raw.items["title"][0] == "Gießkanne für 0 Gärten – “groß”"
    assert said is None or any(said in note for note in raw.notes)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Садовая лейка", "cp1251"),
        ("庭用じょうろ", "shift_jis"),
        ("园艺喷壶很好用", "gbk"),
        ("Konewka wełniana i żółta", "cp1250"),
        ("M„dchen", "cp850"),
    ],
)
def test_other_encodings_are_named_and_read_when_the_user_names_them(tmp_path, text, encoding):
    lines = f"user_id,item_id,timestamp,title\nu,i,1391126400,{text}\n"
    data = lines.encode(encoding) if encoding != "cp850" else "M\u00e4dchen".encode("cp850")
    if encoding == "cp850":
        data = lines.encode("cp850", "replace").replace(b"?", b"\x84")
    path = write(tmp_path / "log.csv", data)
    assert {str(problem.kind) for problem in read(path).problems} == {"not UTF-8"}
    raw = read(path, ReadOptions(encoding=encoding))
    assert raw.problems == []
    assert raw.items["title"][0] == (text if encoding != "cp850" else "Mädchen")


def test_encodings_that_are_not_there(tmp_path):
    path = write(tmp_path / "log.csv", GERMAN.encode("cp1252"))
    (problem,) = read(path, ReadOptions(encoding="utf-8")).problems
    assert "is not utf-8" in problem.message
    for name in ("klingon", "zlib", "rot13", "a\0b"):
        with pytest.raises(DataError, match="there is no such encoding"):
            read(path, ReadOptions(encoding=name))
    for name in ("punycode", "unicode_escape", "idna"):
        read(path, ReadOptions(encoding=name))  # whatever comes of it, it is told


def test_single_bytes_in_a_file_of_utf_8_are_named():
    text = "größe\n" * 30
    assert not is_western(text.encode() + b"\xe9\n")
    assert is_western(text.encode("cp1252"))


def test_marks():
    assert encoding_by_marks(b"user_id,item_id") is None
    assert encoding_by_marks("user".encode("utf-16-le")) == "utf-16-le"
    assert encoding_by_marks(b"a\0") is None
