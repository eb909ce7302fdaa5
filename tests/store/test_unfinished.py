"""A command that is killed while it names its files goes on when it is typed again.

Fault behind these tests: a kill after the first of four names of an ``export`` left files that made
the same command fail with "exists already" until ``--overwrite`` was given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from store.errors import UserError
from store.files import whole_files
from store.outputs import output_targets
from store.private_files import left_behind
from store.unfinished import naming, was_left_unfinished

NAMES = ("one", "two", "three")
KILLED = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
from store.files import whole_files
from store.outputs import output_targets
named, link = [], os.link
def linked(source, target):
    if len(named) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    named.append(target)
    link(source, target)
os.link = linked
with whole_files(output_targets(Path(sys.argv[1]), sys.argv[3:])) as partials:
    for partial in partials:
        partial.write_text("killed")
"""


def killed(folder: Path, after: int, names: Sequence[str] = NAMES) -> None:
    """Leave a folder as a command does that is killed once it has named ``after`` files."""
    arguments = [str(folder), str(after), *names]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert done.returncode == -9


def write(folder: Path, text: str) -> None:
    with whole_files(output_targets(folder, NAMES)) as partials:
        for partial in partials:
            partial.write_text(text)


def test_the_same_command_goes_on_without_overwrite(tmp_path: Path) -> None:
    killed(tmp_path, 2)
    assert [was_left_unfinished(tmp_path / name) for name in NAMES] == [True, True, False]
    write(tmp_path, "whole")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(NAMES), "no list stays behind"
    assert all((tmp_path / name).read_text() == "whole" for name in NAMES)
    with pytest.raises(UserError, match="one exists already"):
        write(tmp_path, "again")


def test_two_files_are_several(tmp_path: Path) -> None:
    """Mutant: no list of two names."""
    killed(tmp_path, 1, NAMES[:2])
    assert was_left_unfinished(tmp_path / "one")


def test_two_kills_one_after_the_other_stop_nothing(tmp_path: Path) -> None:
    """With the first list removed too early, what it names would block the third run."""
    killed(tmp_path, 1)
    (tmp_path / "one").rename(tmp_path / "kept")  # the second run names it anew
    killed(tmp_path, 2)
    (tmp_path / "kept").replace(tmp_path / "one")
    assert was_left_unfinished(tmp_path / "one"), "by the first list"
    assert was_left_unfinished(tmp_path / "two"), "by the second"
    write(tmp_path, "whole")
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("how", ["longer", "same size", "another file"])
def test_a_file_that_somebody_changed_since_is_theirs(tmp_path: Path, how: str) -> None:
    killed(tmp_path, 2)
    file = tmp_path / "one"
    if how == "another file":
        (tmp_path / "new").write_text("killed")
        (tmp_path / "new").replace(file)
    else:
        file.write_text("edited" if how == "same size" else "edited by hand")
    text = file.read_text()
    with pytest.raises(UserError, match="one exists already"):
        write(tmp_path, "whole")
    assert file.read_text() == text


def test_a_list_of_a_program_at_work_or_of_somebody_else_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anybody could name a file of ours in a list of their own, in a folder that all may write."""
    seen: list[bool] = []
    link = os.link

    def linked(source: Path, target: Path) -> None:
        link(source, target)
        seen.append(was_left_unfinished(Path(target)))

    monkeypatch.setattr(os, "link", linked)
    write(tmp_path, "whole")
    assert seen == [False] * 3
    monkeypatch.undo()
    killed(tmp_path / "in", 1)
    assert was_left_unfinished(tmp_path / "in" / "one")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert not was_left_unfinished(tmp_path / "in" / "one")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_list_that_cannot_be_read_lists_nothing(tmp_path: Path, content: bytes) -> None:
    killed(tmp_path, 1)
    for left in tmp_path.glob(".*.partial"):
        left.write_bytes(content)
    assert not was_left_unfinished(tmp_path / "one")


def test_the_list_is_on_disk_before_the_first_name_and_gone_after_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: the list not written, not synced, its descriptor kept; its loss an error."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    written = {}
    for name in NAMES[:2]:
        (tmp_path / f"{name}-whole").write_text(name)
        written[tmp_path / name] = tmp_path / f"{name}-whole"
    before = sorted(Path("/dev/fd").iterdir())
    with naming(written):
        (kept,) = tmp_path.glob(".*.partial")
        listed = json.loads(kept.read_bytes())
        assert set(listed) == set(NAMES[:2])
        facts = (tmp_path / "one-whole").stat()
        assert listed["one"] == [facts.st_ino, facts.st_size, facts.st_mtime_ns]
        assert synced == [kept.stat().st_size]
        kept.unlink()
    assert sorted(Path("/dev/fd").iterdir()) == before


def test_a_list_of_somebody_else_hides_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutant: no further list looked at."""
    killed(tmp_path, 1)
    ours = left_behind(tmp_path / "interest-profiler is giving names")
    foreign = SimpleNamespace(stat=lambda: SimpleNamespace(st_uid=os.geteuid() + 1))
    monkeypatch.setattr("store.unfinished.left_behind", lambda _: [foreign, *ours])
    assert was_left_unfinished(tmp_path / "one")
