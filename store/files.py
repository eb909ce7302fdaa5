"""Files that are whole or not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; it takes its place if all went well, else it goes.

    Nobody reads half a file, and what was there stays until the new one is whole.
    """
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)  # left by a run that was killed; never followed as a link
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
