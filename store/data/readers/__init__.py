"""Outside formats → one shape, with every problem named by file, row and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from store.data.readers.base.options import ReadOptions as ReadOptions
    from store.data.readers.base.problems import Kind as Kind
    from store.data.readers.base.problems import Problem as Problem
    from store.data.readers.base.raw_data import ROW as ROW
    from store.data.readers.base.raw_data import RawData as RawData
    from store.data.readers.base.raw_data import problem_lines as problem_lines
    from store.data.readers.base.raw_data import raise_on_problems as raise_on_problems
    from store.data.readers.base.reader import Reader as Reader
    from store.data.readers.columns.interactions import interactions_from as interactions_from
    from store.data.readers.columns.items import items_from as items_from
    from store.data.readers.columns.names import Columns as Columns
    from store.data.readers.read import read as read

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "base.options": ["ReadOptions"],
        "base.problems": ["Kind", "Problem"],
        "base.raw_data": ["ROW", "RawData", "problem_lines", "raise_on_problems"],
        "base.reader": ["Reader"],
        "columns.interactions": ["interactions_from"],
        "columns.items": ["items_from"],
        "columns.names": ["Columns"],
        "read": ["read"],
    },
)
