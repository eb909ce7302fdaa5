"""Files that appear whole or not at all.

A file is written beside its target, where nobody else can read it, put on disk, and takes the
target's name in one step. What may be replaced is decided before, in :mod:`store.outputs`.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from store.errors import UserError
from store.private_files import create_private, remove_stale
from store.unfinished import naming

__all__ = ["whole_file"]

SQLITE_BESIDE = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database while it is in use."""

_DESCRIPTOR = re.compile(r"/dev/(?P<name>stdin|stdout|stderr)|/(?:dev|proc/self)/fd/(?P<fd>\d+)")
_STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_UMASK_LOCK = threading.Lock()


@dataclass(frozen=True)
class Target:
    """A checked place for one output.

    Attributes
    ----------
    path
        Where the file will be; a link has been followed.
    overwrite
        Whether a file that is there is replaced.
    mode
        The widest permissions the file may have; the umask narrows them further.
    group
        The group that ``mode`` speaks of, where it was taken from another file.
    stream
        Whether ``path`` is a device or a pipe, which is written to and never replaced.
    """

    path: Path
    overwrite: bool = False
    mode: int = 0o666
    group: int | None = None
    stream: bool = False


@contextmanager
def whole_file(target: Target | Path) -> Iterator[Path]:
    """Yield an empty private file to write to; it takes the target's place if all went well.

    Nobody reads half a file, what was there stays until the new one is whole, and file and folder
    are on disk before the name is, so that a power cut leaves the old file or the new one. Files
    that a killed process left for the same target are removed.

    Parameters
    ----------
    target
        From :func:`output_target`; or a path of the program's own, such as a file of a model
        folder, which is replaced where it exists.

    Raises
    ------
    UserError
        If the file cannot be written, such as on a full disk; if a path of the program's own is a
        link; or if a file appeared at the target meanwhile.
    """
    with whole_files([target]) as (partial,):
        yield partial


@contextmanager
def whole_files(targets: Sequence[Target | Path]) -> Iterator[list[Path]]:
    """Yield a private file for each target; all take their places once all are whole, or none.

    As :func:`whole_file`, for outputs of several files. A kill while they take their places leaves
    some of them there; :mod:`store.unfinished` lets the next command go on.

    Raises
    ------
    UserError
        If they cannot be written.
    """
    checked = [_own(target) if isinstance(target, Path) else target for target in targets]
    names = ", ".join(str(target.path) for target in checked)
    try:
        with ExitStack() as stack:
            partials = [
                stack.enter_context(_spooled() if target.stream else _beside(target.path))
                for target in checked
            ]
            yield partials
            _settle(list(zip(partials, checked, strict=True)))
    except BrokenPipeError:  # whoever reads has seen enough
        raise
    except OSError as error:
        raise UserError(f"cannot write {names}: {reason_of(error)}") from error


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk; file systems that cannot are left alone."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sync_file(path: Path) -> None:
    """Put the content of a file on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason_of(error: BaseException) -> str:
    """What the system says of an error, without number and file name."""
    return getattr(error, "strerror", None) or str(error)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield an empty private file beside ``path``; it is removed if it is there afterwards."""
    remove_stale(path)
    partial, lock = create_private(path)
    try:
        yield partial
    finally:
        os.close(lock)
        for suffix in ("", *SQLITE_BESIDE):
            partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _own(path: Path) -> Target:
    """A file of the program's own is replaced, but a link in its place was put there by others."""
    if path.is_symlink():
        raise UserError(f"{path} is a link; nothing is written through it, remove it first")
    mode, group = narrowest([path])
    return Target(path, overwrite=True, mode=mode, group=group)


def descriptor_of(path: Path) -> int | None:
    """Number of the open file that a name such as ``/dev/stdout`` stands for."""
    found = _DESCRIPTOR.fullmatch(str(path))
    if found is None:
        return None
    return _STANDARD[found["name"]] if found["name"] else int(found["fd"])


def narrowest(files: Iterable[Path]) -> tuple[int, int | None]:
    """Permissions that every one of the files or folders grants, and the group they name."""
    mode, group = 0o666, None
    for file in files:
        if file.exists():
            facts = file.stat()
            if mode & facts.st_mode != mode:
                mode, group = mode & facts.st_mode, facts.st_gid
    return mode, group


def _umask() -> int:
    with _UMASK_LOCK:  # it can be read only by setting it; a file made meanwhile is private
        mask = os.umask(0o077)
        os.umask(mask)
    return mask


def _settle(written: Sequence[tuple[Path, Target]]) -> None:
    """Put files on disk, with their permissions, then give them the targets' names."""
    named = [(partial, target) for partial, target in written if not target.stream]
    for partial, target in written:
        if target.stream:
            _pour(partial, target.path)
        else:
            partial.chmod(_allowed(partial.stat(), target) & ~_umask())
            sync_file(partial)
    folders = {target.path.parent for _, target in named}
    several = len(named) > 1 and len(folders) == 1
    with naming({t.path: partial for partial, t in named}) if several else nullcontext():
        _give_names(named)
        for folder in folders:
            sync_folder(folder)


def _give_names(written: Sequence[tuple[Path, Target]]) -> None:
    """Give all files their names, or take back those that were given."""
    made: list[Path] = []
    try:
        for partial, target in written:
            if target.overwrite:
                partial.replace(target.path)
            else:
                _place_anew(partial, target.path)
                made.append(target.path)
    except BaseException:
        for path in made:
            path.unlink()
        raise


def _allowed(written: os.stat_result, target: Target) -> int:
    """Permissions that nobody gains by: where the group is another one, it is like all others."""
    if target.group in (None, written.st_gid):
        return target.mode
    return target.mode & ~0o070 | target.mode & target.mode << 3 & 0o070


def _place_anew(partial: Path, path: Path) -> None:
    """Give a file its name unless somebody took the name meanwhile."""
    try:
        os.link(partial, path)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not os.path.lexists(path):
            partial.rename(path)
            return
    else:
        return
    raise UserError(f"{path} was made by another program meanwhile; it was left as it is")


@contextmanager
def _spooled() -> Iterator[Path]:
    """Yield an empty file away from the target, for what cannot be replaced."""
    with tempfile.TemporaryDirectory(prefix="interest-profiler-") as folder:
        spool = Path(folder) / "output"
        spool.touch()
        yield spool


def _pour(spool: Path, stream: Path) -> None:
    """Copy a whole file to a device or pipe, or to a file this process has open."""
    descriptor = descriptor_of(stream)
    for file in (sys.stdout, sys.stderr):
        file.flush()
    with (
        spool.open("rb") as source,
        stream.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb") as sink,
    ):
        shutil.copyfileobj(source, sink)
