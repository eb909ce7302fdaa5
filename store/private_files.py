"""Private files: where a command writes what has no name yet, and whether its process is gone."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path


def _token(path: Path) -> str:
    """What the private files of one target have in common; short, whatever the target's name."""
    return f".{blake2b(os.fsencode(path.name), digest_size=5).hexdigest()}."


def create_private(path: Path) -> tuple[Path, int]:
    """Make an empty file beside ``path`` that only its owner reads, locked until it is closed."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    partial = path.with_name(f"{_token(path)}{os.getpid()}-{secrets.token_hex(4)}.partial")
    descriptor = os.open(partial, flags, 0o600)
    with suppress(OSError):  # some file systems have no locks; then the process id tells
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return partial, descriptor


def left_behind(path: Path) -> list[Path]:
    """Private files for this target whose processes are gone."""
    token, found = _token(path), []
    with suppress(OSError):
        for left in list(path.parent.iterdir()):
            name = left.name
            if name.startswith(token) and ".partial" in name and _is_abandoned(left):
                found.append(left)
    return found


def remove_stale(path: Path) -> None:
    """Remove what processes that are gone left for this target."""
    for left in left_behind(path):
        with suppress(OSError):
            left.unlink(missing_ok=True)


def _is_abandoned(partial: Path) -> bool:
    """Whether the process that made a private file is gone, by its number and by its lock."""
    owner = partial.name.split(".")[2].partition("-")[0]
    if owner.isdigit() and _alive(int(owner)):
        return False
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
