"""Read a data set: find its files, read each with the reader of its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems, UnusableFileError
from store.data.readers.base.raw_data import RawData, no_interactions, no_items
from store.data.readers.detection import Found, detect, file_format
from store.data.readers.formats import frames
from store.data.readers.registry import FORMATS
from store.data.readers.text.files import suffix
from store.errors import DataError

LINES = (".json", ".jsonl")


def read(source: Any, options: ReadOptions | None = None) -> RawData:
    """Read interactions and items, and name everything that is wrong with them.

    Parameters
    ----------
    source
        A file or a folder (text or path), an interactions frame (pandas, polars, pyarrow), or a
        pair of frames (interactions, items).
    options
        Format, item file and column names, where they are not to be detected.

    Returns
    -------
    RawData
        With ``problems`` where rows or files could not be read; see :func:`raise_on_problems`.

    Raises
    ------
    DataError
        The source does not exist, is no data set, or is not a frame.
    """
    options = options or ReadOptions()
    problems = Problems()
    if isinstance(source, (str, Path)):
        return _read_files(detect(Path(source), options.format), options, problems)
    interactions, items = source if isinstance(source, tuple) else (source, options.items)
    files = [frames.INTERACTIONS] + ([frames.ITEMS] if items is not None else [])
    try:
        log = frames.read_interactions(interactions, options, problems)
    except UnusableFileError:
        log = no_interactions()
    texts = _read_item_source(items, options, problems)
    return _raw(log, texts, problems, "frame", files)


def _read_files(found: Found, options: ReadOptions, problems: Problems) -> RawData:
    items = options.items if options.items is not None else found.items
    if items is not None and not isinstance(items, (str, Path)):
        texts_name = frames.ITEMS
    else:
        texts_name = Path(items).name if items is not None else ""
    files = [found.interactions.name] + ([texts_name] if texts_name else [])
    try:
        _check_kind(found.interactions, found.format, options, problems)
        log = FORMATS[found.format].read_interactions(found.interactions, options, problems)
    except UnusableFileError:
        log = no_interactions()
    texts = _read_item_source(items, options, problems)
    if found.split is not None:
        problems.notes.append(f"{found.split.name} lies beside the data: --split {found.split}")
    return _raw(log, texts, problems, found.format, files)


def _read_item_source(items: Any, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    if items is None:
        problems.notes.append("no item file: items have no texts; name one with --items")
        return no_items()
    try:
        if not isinstance(items, (str, Path)):
            return frames.read_items(items, options, problems)
        return _read_item_file(Path(items), options, problems)
    except UnusableFileError:
        return no_items()


def _read_item_file(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read an item file in its own format, whatever that of the interactions is."""
    if not path.is_file():
        raise DataError(f"no such item file: {path}")
    form = file_format(path)
    _check_kind(path, form, ReadOptions(), problems)
    return FORMATS[form].read_items(path, options, problems)


def _check_kind(path: Path, form: str, options: ReadOptions, problems: Problems) -> None:
    """Refuse JSON that is named as a table and a table that is named as JSON."""
    if options.format is not None:
        return
    named_lines = suffix(path) in LINES
    named_table = suffix(path) in (".csv", ".tsv", ".inter", ".item", ".dat")
    if (form == "amazon" and named_table) or (form != "amazon" and named_lines):
        content = "JSON lines" if form == "amazon" else "not JSON lines"
        raise problems.fatal(
            Kind.NAME,
            path.name,
            f"the name says {suffix(path).removeprefix('.')}, but the content is {content};"
            " rename the file or give --format",
        )


def _raw(
    log: pl.DataFrame, texts: pl.DataFrame, problems: Problems, form: str, files: list[str]
) -> RawData:
    return RawData(log, texts, problems.first, dict(problems.counts), problems.notes, form, files)
