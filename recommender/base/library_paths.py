"""Paths for libraries that take UTF-8 names only: any other file gets a link of a plain name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def plain_path(path: Path) -> Iterator[Path]:
    """Yield a path to the same file whose bytes are UTF-8.

    Parameters
    ----------
    path
        A file, to be read or, where it exists, to be written in place.

    Yields
    ------
    Path
        The path itself, or a link to it in a temporary folder.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix="interest-profiler-") as folder:
            link = Path(folder) / f"file{path.suffix}"
            link.symlink_to(path.absolute())
            yield link
        return
    yield path
