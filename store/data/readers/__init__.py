"""Outside formats → one shape, with every problem named by file, row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from store.data.readers.options import ReadOptions as ReadOptions
    from store.data.readers.problems import Problem as Problem
    from store.data.readers.raw_data import RawData as RawData
    from store.data.readers.raw_data import problem_lines as problem_lines
    from store.data.readers.raw_data import raise_on_problems as raise_on_problems
    from store.data.readers.read import read as read

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "options": ["ReadOptions"],
        "problems": ["Problem"],
        "raw_data": ["RawData", "problem_lines", "raise_on_problems"],
        "read": ["read"],
    },
)
