"""Outputs of several files: what a killed command had named so far, so that it can go on.

Files get their names one after the other. A command that is killed in between leaves some of them
with their names; the same command, typed again, must neither be stopped by these nor replace a file
of somebody else. While names are given, a private file beside them therefore lists what each name
will stand for: a file is the killed command's own while it is still that file, byte for byte as it
was written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from store.private_files import create_private, left_behind, remove_stale

_LIST = "interest-profiler is giving names"


@contextmanager
def naming(written: Mapping[Path, Path]) -> Iterator[None]:
    """Keep a list of the files that are about to get their names, until all of them have.

    Parameters
    ----------
    written
        The names, all in one folder, and the whole private file that each will stand for.

    Raises
    ------
    OSError
        If the list cannot be written; no file has its name then.
    """
    place = next(iter(written)).with_name(_LIST)
    listed = {path.name: _identity(partial) for path, partial in written.items()}
    own, descriptor = create_private(place)
    try:
        own.write_bytes(json.dumps(listed).encode())
        os.fsync(descriptor)
        yield
        remove_stale(place)  # of earlier kills: what they had named is named anew
    finally:
        os.close(descriptor)
        own.unlink(missing_ok=True)


def was_left_unfinished(path: Path) -> bool:
    """Whether a command that was killed while it named several files left this one.

    It is no longer if anybody has written to the file, or put another in its place.
    """
    for kept in left_behind(path.with_name(_LIST)):
        with suppress(OSError, ValueError, AttributeError):
            if kept.stat().st_uid != os.geteuid():  # anybody could list our files in their own
                continue
            if json.loads(kept.read_bytes()).get(path.name) == _identity(path):
                return True
    return False


def _identity(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_ino, facts.st_size, facts.st_mtime_ns]
