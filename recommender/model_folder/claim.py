"""A model folder while something is trained into it: one training at a time, no links out of it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import UserError


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a folder for one training; it is made where it is missing.

    The lock is on the folder itself and ends with the process, however that ends. On a file system
    without locks, trainings are not kept apart.

    Raises
    ------
    UserError
        Where another training holds it, or a file in it is a link.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refuse_links(folder)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def refuse_file(folder: Path) -> None:
    """Refuse a name that something other than a folder has.

    Raises
    ------
    UserError
        That names it.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise UserError(f"{folder} is a file; a model is a folder: give another name with `out`")


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"another training writes to {folder}; wait for its end or name another folder"
        ) from None
    except OSError:  # a file system without locks
        return


def refuse_links(folder: Path) -> None:
    """Refuse a folder with links in it: writing through them would change files elsewhere.

    Raises
    ------
    UserError
        That names the first one.
    """
    links = sorted(path.name for path in folder.iterdir() if path.is_symlink())
    if links:
        raise UserError(
            f"{folder / links[0]} is a link; a model is not written through links: remove it or "
            "name another folder"
        )
