"""A backup is whole and sound or not there; a restored store is the backup's, whatever lay beside.

Faults behind these tests: a killed backup left a file that ``verify`` called sound and that kept
the next backup from being written; a backup copied over a store whose log was left behind gave
"malformed"; ``verify`` saw neither added triggers nor replaced views.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cli
from store.errors import StoreError, UserError
from store.store import open_store
from store.upkeep.backup import Restored, back_up, check_copy, restore
from store.upkeep.verify import verify
from tests.reading_store import fill


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "s.db")


@pytest.fixture
def backup(path: Path, tmp_path: Path) -> Path:
    with open_store(path) as store:
        back_up(store, tmp_path / "b.db")
    return tmp_path / "b.db"


def run(*args: object) -> int:
    return cli.run(cli.profiler_app, "profiler", [str(arg) for arg in args])


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def mark(path: Path, value: int) -> None:
    with open_store(path) as store:
        store.set_meta(mark=value)


def marked(path: Path) -> int | None:
    with open_store(path) as store:
        assert verify(store)[1] == []
        return store.meta("mark")


def test_a_backup_is_sound_and_reading_it_changes_nothing(path: Path, backup: Path) -> None:
    before = backup.read_bytes(), backup.stat().st_mtime_ns
    assert marked(backup) is None
    assert run("verify", "--store", backup) == 0
    assert (backup.read_bytes(), backup.stat().st_mtime_ns) == before


def test_nothing_is_replaced_by_a_backup_unless_that_was_allowed(path: Path, backup: Path) -> None:
    mark(path, 2)
    with open_store(path) as store:
        for to in (backup, path):
            with pytest.raises(UserError, match=r"exists already|which this command reads"):
                back_up(store, to)
        with pytest.raises(UserError, match="which this command reads"):
            back_up(store, path, overwrite=True)
        assert back_up(store, backup, overwrite=True) == backup.stat().st_size
    assert marked(backup) == 2


def test_a_backup_is_as_private_as_its_store(path: Path, tmp_path: Path) -> None:
    path.chmod(0o600)
    with open_store(path) as store:
        back_up(store, tmp_path / "private.db")
    assert (tmp_path / "private.db").stat().st_mode & 0o777 == 0o600


SLOW = """
import sys, time
import store.upkeep.backup as backup
sound = backup.check_copy
def slow(copy):
    print("written", flush=True)
    time.sleep(60)
backup.check_copy = slow
import cli
cli.run(cli.profiler_app, "profiler", sys.argv[1:])
"""


def test_after_a_killed_backup_the_next_one_works(path: Path, tmp_path: Path) -> None:
    args = ["backup", str(tmp_path / "b.db"), "--store", str(path)]
    with subprocess.Popen([sys.executable, "-c", SLOW, *args], stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"written\n"
        killed.send_signal(signal.SIGKILL)
    assert not (tmp_path / "b.db").exists()
    assert run(*args) == 0
    assert names(tmp_path) == {"s.db", "b.db"}
    assert marked(tmp_path / "b.db") is None


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_part_of_a_backup_is_never_called_sound(backup: Path, share: float) -> None:
    os.truncate(backup, int(backup.stat().st_size * share))
    assert run("verify", "--store", backup) in (1, 2)
    assert run("restore", backup, "--store", backup.with_name("new.db")) == 2
    assert not backup.with_name("new.db").exists()


def test_a_restored_store_is_the_backup(path: Path, backup: Path, tmp_path: Path) -> None:
    mark(path, 1)
    with pytest.raises(UserError, match="exists already"):
        restore(backup, path)
    assert marked(path) == 1
    assert run("restore", backup, "--store", path, "--overwrite") == 0
    assert marked(path) is None
    assert run("restore", backup, "--store", tmp_path / "new.db") == 0
    assert marked(tmp_path / "new.db") is None
    assert names(tmp_path) == {"s.db", "b.db", "new.db"}


def killed_while_writing(path: Path) -> None:
    """Leave a store as a killed program does: its last rows only in the log."""
    with open_store(path) as store:
        store.set_meta(mark=7)
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{path}{suffix}", f"{path}.killed{suffix}")
    for suffix in ("", "-wal", "-shm"):
        shutil.move(f"{path}.killed{suffix}", f"{path}{suffix}")
    assert path.with_name(f"{path.name}-wal").stat().st_size


def test_a_log_that_was_left_behind_does_not_spoil_the_restored_store(
    path: Path, backup: Path, tmp_path: Path
) -> None:
    killed_while_writing(path)
    assert run("restore", backup, "--store", path, "--overwrite") == 0
    assert marked(path) is None
    killed_while_writing(path)
    path.unlink()  # somebody removed the store and left its log
    assert run("restore", backup, "--store", path) == 0
    assert marked(path) is None
    assert names(tmp_path) == {"s.db", "b.db"}


def test_a_store_in_use_is_not_replaced(path: Path, backup: Path) -> None:
    with open_store(path) as store:
        store.set_meta(mark=3)
        with pytest.raises(StoreError, match="another program uses"):
            restore(backup, path, overwrite=True)
        assert store.meta("mark") == 3
    assert marked(path) == 3


def test_a_damaged_store_is_replaced_and_kept(path: Path, backup: Path, tmp_path: Path) -> None:
    os.truncate(path, 10_000)
    assert run("restore", backup, "--store", path, "--overwrite") == 0
    assert marked(path) is None
    assert names(tmp_path) == {"s.db", "b.db", "s.db.damaged-1"}
    assert (tmp_path / "s.db.damaged-1").stat().st_size == 10_000


def test_only_a_store_is_restored_and_only_a_store_replaced(
    path: Path, backup: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with sqlite3.connect(tmp_path / "notes.db") as connection:
        connection.execute("CREATE TABLE notes (x)")
    connection.close()
    for other in ("thesis.txt", "notes.db"):
        before = (tmp_path / other).read_bytes()
        with pytest.raises(StoreError, match="move it away first"):
            restore(backup, tmp_path / other, overwrite=True)
        with pytest.raises(StoreError):
            restore(tmp_path / other, path, overwrite=True)
        assert (tmp_path / other).read_bytes() == before
    with pytest.raises(UserError, match="reads"):
        restore(backup, backup, overwrite=True)
    with pytest.raises(StoreError, match="missing, no store"):
        restore(tmp_path / "missing.db", path, overwrite=True)
    assert marked(path) is None


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "CREATE TRIGGER thief AFTER INSERT ON interests BEGIN DELETE FROM users; END",
            "trigger thief is not one of this program's",
        ),
        ("DROP TRIGGER keep_response", "trigger keep_response is missing"),
        ("DROP INDEX evidence_item", "index evidence_item is missing"),
        ("CREATE TABLE extra (x)", "table extra is not one of this program's"),
        (
            "DROP VIEW costs; CREATE VIEW costs AS SELECT 0 AS cost_usd",
            "view costs was changed",
        ),
    ],
)
def test_verify_finds_what_was_changed_in_the_schema(
    path: Path, statement: str, words: str
) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(statement)
    connection.close()
    with open_store(path) as store:
        assert words in verify(store)[1]


def test_a_fact_that_is_no_json_is_a_fault_and_no_traceback(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = '{' WHERE key = 'content_digest'")
    connection.commit()
    connection.close()
    with open_store(path) as store:
        (fault,) = verify(store)[1]
    assert "'content_digest' is no JSON" in fault


KILL = """
import os, signal, sys
import store.upkeep.forget as forget
forget.sweep = lambda *place: os.kill(os.getpid(), signal.SIGKILL)
import cli
cli.run(cli.profiler_app, "profiler", sys.argv[1:])
"""


def holds(path: Path, text: bytes) -> bool:
    beside = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
    return any(text in file.read_bytes() for file in beside if file.exists())


def test_what_a_killed_forget_left_is_told_and_swept_by_the_next_write(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed between commit and sweep, ``forget`` left the user's id in the file for good."""
    args = ["forget", "customer-ada", "--store", str(path)]
    done = subprocess.run([sys.executable, "-c", KILL, *args], check=False)
    assert done.returncode == -signal.SIGKILL
    assert holds(path, b"customer-ada")
    assert run("status", "--store", path) == 0
    assert "forgotten user may still be in the file" in capsys.readouterr().out
    assert run("rename", 1000, "x", "--store", path) == 2  # any command that writes
    assert not holds(path, b"customer-ada")
    assert run("status", "--store", path) == 0
    assert "forgotten user" not in capsys.readouterr().out
    assert run("verify", "--store", path) == 0


def test_a_sweep_that_a_reader_keeps_waiting_is_tried_again(path: Path) -> None:
    args = ["forget", "customer-ada", "--store", str(path)]
    subprocess.run([sys.executable, "-c", KILL, *args], check=False)
    with sqlite3.connect(path, isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchone()
        started = time.monotonic()
        with open_store(path) as store, pytest.warns(UserWarning, match="forgotten user"):
            store.set_meta(x=1)
        assert time.monotonic() - started < 20, "it waits a moment, not the whole busy timeout"
        reader.execute("ROLLBACK")
    reader.close()
    with open_store(path) as store:
        store.set_meta(x=2)
    assert not holds(path, b"customer-ada")


def test_both_commands_print_one_json_document(path: Path, tmp_path: Path, capsys) -> None:
    copy, other = tmp_path / "c.db", tmp_path / "o.db"
    assert run("backup", copy, "--store", path, "--json") == 0
    size = copy.stat().st_size
    assert json.loads(capsys.readouterr().out) == {
        "file": str(copy),
        "bytes": size,
        "store": str(path),
    }
    other.write_bytes(path.read_bytes()[:5000])
    assert run("restore", copy, "--store", other, "--json", "--overwrite") == 0
    assert json.loads(capsys.readouterr().out) == {
        "store": str(other),
        "bytes": size,
        "from": str(copy),
        "kept": f"{other}.damaged-1",
    }


def test_a_backup_beside_the_log_of_another_store_is_refused(path: Path, tmp_path: Path) -> None:
    """SQLite would take the log for the backup's."""
    for suffix in ("-shm", "-wal"):
        (tmp_path / f"b.db{suffix}").write_bytes(b"left")
    with open_store(path) as store, pytest.raises(StoreError, match=r"lies b\.db-wal: a store of"):
        back_up(store, tmp_path / "b.db")
    assert not (tmp_path / "b.db").exists()


def test_what_was_restored_is_told(path: Path, backup: Path, tmp_path: Path) -> None:
    """Mutants: size or place of what was kept wrong; an earlier one that was kept replaced."""
    done = restore(backup, tmp_path / "new.db")
    assert done == Restored((tmp_path / "new.db").stat().st_size)
    for number in (1, 2):
        os.truncate(path, 10_000 + number)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).write_bytes(b"log %d" % number)
        kept = tmp_path / f"s.db.damaged-{number}"
        done = restore(backup, path, overwrite=True)
        assert done == Restored(path.stat().st_size, kept)
        assert kept.stat().st_size == 10_000 + number
        for suffix in ("-wal", "-shm"):
            assert kept.with_name(kept.name + suffix).read_bytes() == b"log %d" % number
            assert not path.with_name(path.name + suffix).exists()
        assert marked(path) is None


def test_a_copy_that_is_not_whole_takes_no_name(
    path: Path, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: the copy not checked, or checked and not refused."""
    for tear, words in (
        (lambda copy: damage(copy), "the copy is not sound: (row|wrong) .*; nothing was written"),
        (lambda copy: empty(copy), "the copy is not a store; nothing was written"),
    ):
        torn = tmp_path / "torn.db"
        shutil.copy(backup, torn)
        tear(torn)
        with pytest.raises(StoreError, match=words):
            check_copy(torn)
        torn.unlink()

    def torn_copy(source: Path, copy: Path) -> None:
        shutil.copy(source, copy)
        damage(copy)

    monkeypatch.setattr("store.upkeep.backup.copy_database", torn_copy)
    with pytest.raises(StoreError, match="not sound"):
        restore(backup, path, overwrite=True)
    assert marked(path) is None
    assert names(tmp_path) == {"s.db", "b.db"}


def damage(file: Path) -> None:
    """Let an index disagree with its table."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX evidence_item ON evidence (interest_id)' "
            "WHERE name = 'evidence_item'"
        )
    connection.close()


def empty(file: Path) -> None:
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.execute("DROP TABLE other")
    connection.close()


def test_a_store_is_no_device_and_an_emptied_one_is_no_store(
    path: Path, backup: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="is a device or a pipe; name a file"):
        restore(backup, tmp_path / "pipe", overwrite=True)
    killed_while_writing(path)
    os.truncate(path, 0)
    restore(backup, path, overwrite=True)
    assert marked(path) is None
    assert not path.with_name("s.db-wal").exists()


def test_a_check_leaves_no_connection_open(backup: Path) -> None:
    """An open connection would keep the log's files beside the backup."""
    before = sorted(Path("/dev/fd").iterdir())
    check_copy(backup)
    assert sorted(Path("/dev/fd").iterdir()) == before
    assert names(backup.parent) == {"s.db", "b.db"}
