"""Outside formats → one shape, with every problem named by file, row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.readers.raw import Problem, RawData, ReadOptions
    from store.readers.reading import problem_lines, raise_on_problems, read

__all__ = ["Problem", "RawData", "ReadOptions", "problem_lines", "raise_on_problems", "read"]

_HOMES = {
    "Problem": "raw",
    "RawData": "raw",
    "ReadOptions": "raw",
    "problem_lines": "reading",
    "raise_on_problems": "reading",
    "read": "reading",
}


def __getattr__(name: str) -> Any:
    """Load on first use: polars takes a while to import."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
