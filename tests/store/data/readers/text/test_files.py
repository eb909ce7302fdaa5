"""Files as they lie: packed, damaged, large, hidden, in folders of odd names, in pipes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import threading
import zipfile

import pyarrow as pa
import pytest

from store.data.readers import ReadOptions, read
from store.data.readers.base.problems import Kind
from store.data.readers.text.compression import TooLargeError, unpack, unpack_start
from store.data.readers.text.files import stem, suffix
from store.errors import DataError

LOG = b"user_id,item_id,timestamp\n" + b"".join(
    b"u,i%d,%d\n" % (n, 1391126400 + n) for n in range(99)
)


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as file:
        file.write(data)
    return sink.getvalue().to_pybytes()


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd}


def write(path, data: bytes):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("end", PACK)
class TestPacked:
    def test_read(self, tmp_path, end):
        raw = read(write(tmp_path / f"log.csv{end}", PACK[end](LOG)))
        assert (raw.format, raw.problems, raw.interactions.height) == ("csv", [], 99)
        raw = read(write(tmp_path / "log", PACK[end](LOG)))
        assert (raw.problems, raw.interactions.height) == ([], 99)
        assert any("although its name does not say so" in note for note in raw.notes)

    def test_in_a_folder(self, tmp_path, end):
        write(tmp_path / f"interactions.csv{end}", PACK[end](LOG))
        assert read(tmp_path).interactions.height == 99

    @pytest.mark.parametrize("harm", ["cut", "flipped", "name"])
    def test_damaged(self, tmp_path, end, harm):
        data = PACK[end](LOG)
        middle = len(data) // 2
        if harm == "cut":
            data = data[:-12]
        elif harm == "flipped":
            data = data[:middle] + bytes([data[middle] ^ 0xFF] * 8) + data[middle + 8 :]
        else:
            data = LOG
        problems = read(write(tmp_path / f"log.csv{end}", data)).problems
        if harm == "flipped" and end == ".zst":  # without a checksum only the text is wrong
            assert problems
            return
        (problem,) = problems
        assert (problem.kind, problem.row) == (Kind.NAME, None)
        assert ("the content is not" if harm == "name" else "damaged") in problem.message

    def test_there_is_a_limit(self, tmp_path, end):
        # A gzip of a few megabytes that holds gigabytes was unpacked into memory whole.
        path = write(
            tmp_path / f"log.csv{end}", PACK[end](b"user_id,item_id\n" + b"0" * 10_000_000)
        )
        with pytest.raises(
            DataError, match="holds more than 1,000,000 bytes unpacked; raise max_bytes"
        ):
            read(path, ReadOptions(max_bytes=1_000_000))

    def test_beginnings(self, tmp_path, end):
        data = PACK[end](LOG * 1000)
        assert unpack_start(data[: len(data) // 2], 26) in (b"", LOG[:26])
        assert unpack_start(data, 26) == LOG[:26]
        assert unpack(data, 10**9)[0] == LOG * 1000
        with pytest.raises(TooLargeError):
            unpack(data, 1000)


def test_several_members_of_gzip(tmp_path):
    half = len(LOG) // 2
    data = gzip.compress(LOG[:half]) + gzip.compress(LOG[half:])
    assert read(write(tmp_path / "log.csv.gz", data)).interactions.height == 99


def test_plain_files_have_the_limit_too(tmp_path):
    with pytest.raises(DataError, match="raise max_bytes"):
        read(write(tmp_path / "log.csv", LOG), ReadOptions(max_bytes=100))
    assert read(tmp_path / "log.csv", ReadOptions(max_bytes=len(LOG))).interactions.height == 99


@pytest.mark.parametrize("kind", ["log", "items"])
def test_pipes(tmp_path, kind):
    # In 0.1.0: "no such file or folder".
    path = tmp_path / "pipe"
    os.mkfifo(path)
    items = b"item_id,title\ni1,Pen\n"
    log = write(tmp_path / "log.csv", LOG)
    data = LOG if kind == "log" else items
    writer = threading.Thread(target=lambda: path.write_bytes(gzip.compress(data)))
    writer.start()
    raw = read(path) if kind == "log" else read(log, ReadOptions(items=path))
    writer.join()
    assert (raw.problems, raw.interactions.height) == ([], 99)
    assert kind == "log" or raw.items["title"].to_list() == ["Pen"]


def test_hidden_files_of_a_folder(tmp_path):
    header = b"user_id:token\titem_id:token\ttimestamp:float\n"
    write(tmp_path / "ml.inter", header + b"u\ti\t1391126400\n")
    write(tmp_path / "._ml.inter", b"\x00\x05\x16\x07\x00\x02")
    write(tmp_path / ".DS_Store", b"\x00")
    assert read(tmp_path).interactions.height == 1
    (problem,) = read(tmp_path / "._ml.inter").problems
    assert "macOS" in problem.message


def test_a_folder_whose_name_is_not_utf_8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9")
    path.mkdir()
    (path / "interactions.csv").write_bytes(LOG + b"u,i,soon\n")
    assert len(read(path).problems) == 1
    log = path / os.fsdecode(b"l\xf6g.csv")
    log.write_bytes(LOG + b"u,i,soon\n")
    raw = read(log)
    str(raw.problems[0]).encode()
    assert raw.files == ["l\ufffdg.csv"]
    with pytest.raises(DataError) as error:
        read(path / "none")
    str(error.value).encode()


def test_what_is_no_data(tmp_path):
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as file:
        file.writestr("log.csv", LOG)
    (problem,) = read(tmp_path / "log.zip").problems
    assert "unpack it" in problem.message
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "log.csv")


def test_names():
    from pathlib import Path

    assert (suffix(Path("A.CSV.GZ")), stem(Path("A.CSV.GZ"))) == (".csv", "a")
    assert (suffix(Path("a.tsv.zst")), stem(Path("a.b.tsv"))) == (".tsv", "a.b")
