"""What may be written to: what is there stays unless replacing it was allowed, a store always.

Faults behind these tests: ``requests --out`` and ``recommender export --parquet`` overwrote the
store they read; ``report --out`` replaced other files; ``--out /dev/null`` as root replaced the
device by a file; a link was replaced by a file.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from store.errors import UserError
from store.files import Target, whole_file
from store.outputs import is_sqlite, make_output_folder, output_target, output_targets


def write(path: Path, text: str = "new", **options: object) -> None:
    with whole_file(output_target(path, **options)) as partial:  # type: ignore[arg-type]
        partial.write_text(text)


def test_an_existing_file_is_replaced_only_where_that_was_allowed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write(path, "old")
    with pytest.raises(UserError, match=r"a\.txt exists already; .*--overwrite"):
        write(path)
    assert path.read_text() == "old"
    write(path, overwrite=True)
    assert path.read_text() == "new"


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("how", ["by name", "by another way", "by link", "by hard link"])
def test_what_is_read_is_never_replaced(tmp_path: Path, suffix: str, how: str) -> None:
    store = tmp_path / "s.db"
    store.write_bytes(b"SQLite format 3\x00 and so on")
    part = tmp_path / f"s.db{suffix}"
    part.touch()
    before = part.read_bytes()
    out = part
    if how == "by another way":
        (tmp_path / "in").mkdir()
        out = tmp_path / "in" / ".." / part.name
    elif how == "by link":
        out = tmp_path / "link"
        out.symlink_to(part)
    elif how == "by hard link":
        out = tmp_path / "hard"
        out.hardlink_to(part)
        if suffix:
            return  # another name of a part of the database is an ordinary file
    with pytest.raises(UserError, match=r"reads|SQLite"):
        write(out, overwrite=True, reads=[store])
    assert part.read_bytes() == before


def test_what_is_read_stops_no_other_output(tmp_path: Path) -> None:
    """Mutants: any file that exists taken for the one that is read; only those protected."""
    source, other = tmp_path / "log.csv", tmp_path / "other"
    source.write_text("read")
    other.write_text("old")
    write(other, overwrite=True, reads=[source])
    assert other.read_text() == "new"
    write(tmp_path / "fresh", reads=[source, tmp_path / "missing"])
    assert (tmp_path / "fresh").read_text() == "new"
    write(other, "newer", overwrite=True, reads=[tmp_path / "missing"])
    assert other.read_text() == "newer"
    with pytest.raises(UserError, match="reads"):
        write(tmp_path / "log.csv-wal", reads=[source])
    with pytest.raises(UserError, match="reads"):
        write(tmp_path / "missing", reads=[tmp_path / "missing"])


def test_no_database_is_replaced_and_no_name_of_its_parts_taken(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"SQLite format 3\x00 of another program")
    with pytest.raises(UserError, match="SQLite database and is not replaced"):
        write(other, overwrite=True)
    with pytest.raises(UserError, match="keeps for a part of"):
        write(tmp_path / "other.db-wal")
    assert [one.name for one in tmp_path.iterdir()] == ["other.db"]
    write(other, overwrite=True, replaces_stores=True)
    assert other.read_text() == "new"


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    there, link = tmp_path / "far" / "real.txt", tmp_path / "link"
    link.symlink_to(there)
    write(link, "first")
    assert there.read_text() == "first"
    with pytest.raises(UserError, match="link exists already"):
        write(link)
    write(link, "second", overwrite=True)
    assert link.is_symlink()
    assert there.read_text() == "second"
    assert [one.name for one in (tmp_path / "far").iterdir()] == ["real.txt"]


def null_device(folder: Path) -> Path:
    """A device as /dev/null; who may make one could replace the system's if the code were wrong."""
    try:
        os.mknod(folder / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (folder / "null").open("wb").close()
    except OSError:
        return Path("/dev/null")
    return folder / "null"


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    device = null_device(tmp_path)
    write(device)
    assert device.is_char_device()
    assert output_target("/dev/stdout") == Target(Path("/dev/stdout"), overwrite=True, stream=True)


STDOUT = """
from pathlib import Path
from store.files import Target, whole_file
from store.outputs import output_target
print("before")
with whole_file(output_target(Path("/dev/stdout"))) as partial:
    partial.write_text("output\\n")
print("after")
"""


def test_standard_output_is_appended_to_also_where_it_is_a_file(tmp_path: Path) -> None:
    """``--out /dev/stdout > file`` must not replace the file the shell has open."""
    with (tmp_path / "log").open("wb") as file:
        subprocess.run([sys.executable, "-c", STDOUT], stdout=file, check=True)
    assert (tmp_path / "log").read_text() == "before\noutput\nafter\n"
    piped = subprocess.run([sys.executable, "-c", STDOUT], stdout=subprocess.PIPE, check=True)
    assert piped.stdout == b"before\noutput\nafter\n"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write(pipe, "through")
    reader.join(20)
    assert read == ["through"]
    assert pipe.is_fifo()


def test_what_is_no_place_for_a_file_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        with pytest.raises(UserError, match="socket"):
            write(tmp_path / "socket", overwrite=True)
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "a", "no folder"),
        (tmp_path / "a\0b", "cannot write"),
        (tmp_path / "round", "cannot write"),
        (tmp_path / "socket" / "a", "no folder|cannot write"),
    ):
        with pytest.raises(UserError, match=words):
            write(path, overwrite=True)


def test_a_long_name_is_cut_in_the_message(tmp_path: Path) -> None:
    long = f"{tmp_path}/" + "n" * 300
    with pytest.raises(UserError) as refused:
        write(Path(long) / "a\0b")
    assert str(refused.value).startswith(f"cannot write {long[:200]!r}: ")
    with pytest.raises(UserError) as refused:
        make_output_folder(Path(long))
    assert str(refused.value).startswith(f"cannot make the folder {long[:200]!r}: ")


def test_only_a_file_is_a_database(tmp_path: Path) -> None:
    """Mutant: what is no file taken for one, as beside ``--out missing-wal``."""
    assert not is_sqlite(tmp_path)
    assert not is_sqlite(tmp_path / "missing")
    write(tmp_path / "missing-wal")


def test_a_new_folder_is_on_disk_before_anything_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: the folder above not synced, or synced where nothing was made."""
    synced: list[Path] = []
    monkeypatch.setattr("store.outputs.sync_folder", synced.append)
    make_output_folder(tmp_path / "new")
    assert synced == [tmp_path]
    make_output_folder(tmp_path / "new")
    assert synced == [tmp_path]


def test_folders_are_made_down_to_the_file_where_that_is_asked(tmp_path: Path) -> None:
    """Mutants: only the last folder made, or none, or an error where it is there."""
    for name in ("a", "b"):
        write(tmp_path / "new" / "deep" / name, make_folder=True)
    (target,) = output_targets(tmp_path / "other" / "deep", ["c"])
    assert target.path.parent.is_dir()


def test_of_several_files_none_is_written_if_one_may_not_be(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "two").write_text("mine")
    with pytest.raises(UserError, match="two exists already"):
        output_targets(folder, ["one", "two"])
    assert len(output_targets(folder, ["one", "two"], overwrite=True)) == 2
    assert [one.name for one in folder.iterdir()] == ["two"]


def test_a_folder_made_for_a_private_store_is_private(tmp_path: Path) -> None:
    store = tmp_path / "s.db"
    store.touch()
    for mode, expected in ((0o600, 0o700), (0o640, 0o750), (0o644, 0o777)):
        store.chmod(mode)
        folder = tmp_path / f"{mode:o}"
        make_output_folder(folder, like=[store])
        assert folder.stat().st_mode & 0o077 == expected & 0o077 & ~umask()
    with pytest.raises(UserError, match="cannot make the folder"):
        make_output_folder(store / "inside")


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
