"""What a format must offer to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Problems

ReadFile = Callable[[Path, ReadOptions, Problems], pl.DataFrame]
FileSet = tuple[Path, Path | None]
"""A file of interactions, and the file of items that belongs to it."""


def is_never(_path: Path) -> bool:
    """Recognise no file: the format must be named."""
    return False


def find_nothing(_files: Sequence[Path]) -> FileSet | None:
    """Find no files in a folder: the file must be named."""
    return None


def find_no_folder(_folder: Path) -> FileSet | None:
    """Find nothing below a folder: the files lie in it."""
    return None


@dataclass(frozen=True)
class Reader:
    """How one format is read.

    Attributes
    ----------
    read_interactions
        From a file to a frame of the shape of :attr:`RawData.interactions`; most simply through
        :func:`store.data.readers.columns.interactions_from`. Called with the path, the
        options and the collector of problems. A row that cannot be used is named there and left
        out; a file that cannot be read at all raises what ``problems.fatal`` returns. The frame may
        also have the columns ``title`` (text) and ``categories`` (lists of text): they are used
        where there is no item file.
    read_items
        The same for items, of the shape of :attr:`RawData.items`; see
        :func:`store.data.readers.columns.items_from`.
    sniff
        Whether a file is of this format, by its first bytes; it must not raise.
    find
        The files of a data set among the files of a folder, None where there is none of this
        format.
    find_in_folder
        The same for formats whose files lie in folders below; asked before ``find``. What it
        returns may be the folder itself.
    is_json
        Whether the files are lines of JSON, so that names such as ``.json`` fit them.
    has_tables
        Whether ``table`` and ``items_table`` choose a part of the data set.
    """

    read_interactions: ReadFile
    read_items: ReadFile
    sniff: Callable[[Path], bool] = is_never
    find: Callable[[Sequence[Path]], FileSet | None] = find_nothing
    find_in_folder: Callable[[Path], FileSet | None] = find_no_folder
    is_json: bool = False
    has_tables: bool = False
