"""Opening a store changes nothing before it is known to be one, and needs no right to write.

Faults behind these tests: read commands turned an empty file into a store and changed another
program's database; a path with ``?`` or ``%20`` opened another file, and ``forget`` erased a user
from it; a store on read-only media could be read by no command; a damaged store was a traceback.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cli
from store.db.migrations import available, statements, tables_of
from store.db.probe import examine
from store.errors import ReadOnlyStoreWarning, StoreError
from store.store import open_store
from store.upkeep.forget import forget_user
from store.upkeep.verify import verify
from store.views.subjects.users import show_user
from tests.reading_store import fill

READING = [
    ["status"],
    ["show", "customer-ada"],
    ["interests"],
    ["search", "pens"],
    ["explain", "customer-ada", "--item", "pen"],
    ["exemplars"],
    ["synthetic-users"],
    ["undo"],
    ["verify"],
    ["evaluate"],
    ["doctor"],
    ["prompts", "render", "exemplar_interests", "--user", "customer-ada"],
]


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    """Digest and time of every file below a folder."""
    return {
        str(file.relative_to(folder)): (
            hashlib.sha256(file.read_bytes()).hexdigest(),
            file.stat().st_mtime_ns,
        )
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def run(*args: object) -> int:
    return cli.run(cli.profiler_app, "profiler", [str(arg) for arg in args])


def foreign(path: Path, mode: str = "delete") -> Path:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("CREATE TABLE notes (x)")
    connection.close()
    return path


@pytest.mark.parametrize("args", READING, ids=lambda args: args[0])
def test_reading_makes_no_store_and_leaves_other_files_alone(
    args: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.db").touch()
    foreign(tmp_path / "notes.db")
    foreign(tmp_path / "log.db", "wal")
    (tmp_path / "words.db").write_text("not a database at all, but long enough to be one" * 40)
    before = tree(tmp_path)
    for name in ("empty.db", "notes.db", "log.db", "words.db", "missing.db"):
        assert run(*args, "--store", tmp_path / name) == 2, name
    assert tree(tmp_path) == before
    said = capsys.readouterr().err
    assert "empty.db is empty and no store" in said
    assert "not a store of this program" in said
    assert "Traceback" not in said


def test_a_database_in_use_by_another_program_is_left_alone(tmp_path: Path) -> None:
    writer = sqlite3.connect(foreign(tmp_path / "notes.db", "wal"), isolation_level=None)
    writer.execute("INSERT INTO notes VALUES (1)")
    before = tree(tmp_path)
    assert len(before) == 3
    for create in (False, True):
        with pytest.raises(StoreError, match="not a store of this program"):
            open_store(tmp_path / "notes.db", create=create)
    assert tree(tmp_path) == before
    writer.close()


def test_building_makes_a_store_of_what_is_missing_empty_or_blank_only(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    blank = sqlite3.connect(tmp_path / "blank.db")  # what a build of 0.1.0 left, stopped at once
    blank.execute("PRAGMA journal_mode = WAL")
    blank.close()
    assert examine(tmp_path / "blank.db").kind == "blank"
    for name in ("missing.db", "empty.db", "blank.db"):
        with open_store(tmp_path / name, create=True) as store:
            store.set_meta(mine=1)
        with open_store(tmp_path / name) as store:
            assert store.meta("mine") == 1
    for path in (foreign(tmp_path / "notes.db"), Path("/dev/null")):
        with pytest.raises(StoreError):
            open_store(path, create=True)
    assert Path("/dev/null").is_char_device()


NAMES = ["a?mode=memory.db", "a%20b.db", "a#b.db", "?.db", "%.db", "ä ö.db", ":memory:", "file:x"]


@pytest.mark.parametrize("name", NAMES)
def test_every_sign_of_a_path_stands_for_itself(name: str, tmp_path: Path) -> None:
    fill(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("name", "twin"), [("s.db?x=1", "s.db"), ("a%20b.db", "a b.db")])
def test_forget_works_on_the_store_that_was_named(name: str, twin: str, tmp_path: Path) -> None:
    """``forget --store 's.db?x=1'`` erased a user from ``s.db``."""
    fill(tmp_path / name)
    fill(tmp_path / twin)
    before = (tmp_path / twin).read_bytes()
    assert run("forget", "customer-ada", "--store", tmp_path / name) == 0
    assert (tmp_path / twin).read_bytes() == before
    with open_store(tmp_path / name) as store, pytest.raises(StoreError, match="no user"):
        show_user(store, "customer-ada")


def test_through_a_link_the_log_is_looked_for_beside_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    fill(tmp_path / "far" / "s.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "far" / "s.db")
    with open_store(tmp_path / "link.db") as store:
        forget_user(store, "customer-ada")
        files = list((tmp_path / "far").iterdir())
        assert not any(b"customer-ada" in file.read_bytes() for file in files)
    assert [file.name for file in (tmp_path / "far").iterdir()] == ["s.db"]


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it to read would wait for ever
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "a device or a pipe"),
        (tmp_path / "none" / "s.db", "no folder"),
        (tmp_path / "a\0b", "cannot be opened"),
    ):
        with pytest.raises(StoreError, match=words):
            open_store(path, create=True)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_in_the_header(path: Path) -> None:
    os.truncate(path, 50)


def overwrite_the_schema(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 300)


def drop(table: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        connection = sqlite3.connect(path)
        connection.execute(f"DROP TABLE {table}")
        connection.commit()
        connection.close()

    return damage


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut_in_half, "is cut short"),
        (cut_in_the_header, "is cut short|not a SQLite"),
        (overwrite_the_schema, "cannot be opened as a store|damaged"),
        (drop("evidence"), "lacks the table evidence"),
        (drop("assignment_items"), "lacks the table assignment_items"),
    ],
)
@pytest.mark.parametrize("args", [["verify"], ["status"], ["show", "customer-ada"]])
def test_a_damaged_store_is_said_to_be_damaged(
    damage: Callable[[Path], None],
    words: str,
    args: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Half a backup was called sound; a missing table was a traceback."""
    path = fill(tmp_path / "s.db")
    damage(path)
    assert run(*args, "--store", path) in (1, 2)
    said = capsys.readouterr()
    assert any(word in said.err + said.out for word in words.split("|"))


def test_the_tables_of_a_version_are_those_its_migrations_make() -> None:
    connection = sqlite3.connect(":memory:")
    connection.create_function("seal", -1, lambda *values: "")
    for number, script in available():
        for statement in statements(script):
            connection.execute(statement)
        made = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        shadows = ("interests_fts_", "sqlite_")
        names = {row[0] for row in made if not row[0].startswith(shadows)}
        assert tables_of(number) == names


@pytest.fixture
def media(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which `seal` makes read-only."""
    folder = tmp_path / "media"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def seal(media: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", media], check=True)


def test_a_store_on_read_only_media_can_be_read_and_says_so(
    media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fill(media / "s.db")
    seal(media)
    before = tree(media)
    for args in READING:
        assert run(*args, "--store", path) == 0, args
        said = capsys.readouterr()
        assert f"note: {path} cannot be written (read-only media" in said.err, args
    out = tmp_path / "out"
    for args in (
        ["export", "--out", out],
        ["report", "--out", tmp_path / "r.html"],
        ["datasette", "--out", tmp_path / "m.json"],
        ["backup", tmp_path / "b.db"],
    ):
        assert run(*args, "--store", path) == 0, args
    capsys.readouterr()
    for writing in (["forget", "customer-ada"], ["rename", 1, "x"], ["pin", 1], ["merge", 1, 2]):
        assert run(*writing, "--store", path) == 2
        assert "nothing can be stored" in capsys.readouterr().err
    assert tree(media) == before


def test_the_log_of_a_killed_program_is_read_on_read_only_media(media: Path) -> None:
    """Opened without locks, what stood in the log only would be missing."""
    path = fill(media / "s.db")
    with open_store(path) as store:
        store.set_meta(newest=1)
        for name in ("s.db", "s.db-wal"):
            shutil.copy(media / name, media / f"killed-{name}")
    assert (media / "killed-s.db-wal").stat().st_size
    seal(media)
    with pytest.warns(ReadOnlyStoreWarning):
        store = open_store(media / "killed-s.db")
    with store:
        assert store.meta("newest") == 1


def test_a_file_torn_while_its_log_was_moved_in_is_read_with_its_log(tmp_path: Path) -> None:
    """A disk that filled up during a checkpoint left a store that was called malformed."""
    path = fill(tmp_path / "s.db")
    with open_store(path) as store:
        store.set_meta(newest="x" * 50_000)
        for name in ("s.db", "s.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"torn-{name}")
    overwrite_the_schema(tmp_path / "torn-s.db")
    with open_store(tmp_path / "torn-s.db", read_only=True) as store:
        assert store.meta("newest") == "x" * 50_000
    with open_store(tmp_path / "torn-s.db") as store:
        assert store.meta("newest") == "x" * 50_000
        assert verify(store)[1] == []


def older_store(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    connection.create_function("seal", -1, lambda *values: "")
    for number, script in available()[:version]:
        for statement in statements(script):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")
    connection.commit()
    connection.close()


def test_an_older_store_on_read_only_media_is_brought_up_to_date_in_a_copy(media: Path) -> None:
    older_store(media / "old.db", 3)
    seal(media)
    with pytest.warns(ReadOnlyStoreWarning):
        store = open_store(media / "old.db")
    with store:
        assert store.questions.count() == 0
        assert store.path == media / "old.db"
    assert examine(media / "old.db").version == 3


NOBODY = """
import os, sys
import cli
cli.run(cli.profiler_app, "profiler", sys.argv[1:])  # nobody may not read the modules
os.setgid(65534); os.setuid(65534)
sys.exit(cli.run(cli.profiler_app, "profiler", sys.argv[1:]))
"""


def test_a_store_of_somebody_else_can_be_read(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    shared = Path("/var/tmp") / f"interest-profiler-test-{os.getpid()}"
    shared.mkdir(mode=0o755)
    try:
        path = fill(shared / "s.db")
        path.chmod(0o644)
        for mode in (0o755, 0o777):  # in a folder open to all, nothing is left beside it either
            shared.chmod(mode)
            done = subprocess.run(
                [sys.executable, "-c", NOBODY, "show", "customer-ada", "--store", str(path)],
                check=False,
                capture_output=True,
                text=True,
                env={**os.environ, "HOME": "/nonexistent"},
            )
            assert done.returncode == 0, done.stderr
            assert "cannot be written" in done.stderr
            assert "customer-ada" in done.stdout
            assert [file.name for file in shared.iterdir()] == ["s.db"]
    finally:
        shutil.rmtree(shared)


def test_a_store_opened_to_read_is_left_as_it_is(tmp_path: Path) -> None:
    path = fill(tmp_path / "s.db")
    older_store(tmp_path / "old.db", 4)
    before = tree(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("s.db", "old.db"):
            with open_store(tmp_path / name, read_only=True) as store:
                store.subjects.counts()
                with pytest.raises(StoreError, match="nothing can be stored"):
                    store.set_meta(x=1)
                assert tree(tmp_path) == before
    assert tree(tmp_path) == before
    with open_store(path) as writing, open_store(path, read_only=True) as reading:
        writing.set_meta(newest=1)
        with pytest.raises(StoreError, match="changed while it was read"):
            reading.meta("newest")
        with open_store(path, read_only=True) as later:
            assert later.meta("newest") == 1


def test_opening_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    """Every opening took the write lock five times, so a reader waited for a build."""
    path = fill(tmp_path / "s.db")
    with open_store(path) as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE subjects SET size = 99")
        with open_store(path) as other:
            assert show_user(other, "customer-ada")


FULL = """
import resource, signal, sys
import cli
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
sys.exit(cli.run(cli.profiler_app, "profiler", sys.argv[1:]))
"""


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    """A disk that filled up during a command was a traceback, with exit code 1."""
    path = fill(tmp_path / "s.db")
    with open_store(path) as store:
        number = store.interests.catalogue().ids[0]
    before = path.read_bytes()
    args = ["rename", str(number), "y" * 200, "--store", str(path)]
    done = subprocess.run(
        [sys.executable, "-c", FULL, *args], check=False, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert f"{path} cannot be" in done.stderr
    assert run("verify", "--store", path) == 0
    assert path.read_bytes() == before


def test_migrations_are_numbered_from_one_without_gaps_or_repeats() -> None:
    # Two migrations once had the same number: the second of them was never applied to any store.
    numbers = [number for number, _ in available()]
    assert numbers == list(range(1, len(numbers) + 1))
