"""Read a data set: find its files, read each with the reader of its format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems, UnusableFileError
from store.data.readers.base.raw_data import RawData, no_interactions, no_items
from store.data.readers.columns.items import items_in_rows
from store.data.readers.columns.selection import selected_columns
from store.data.readers.detection import detect, file_format
from store.data.readers.formats import frames
from store.data.readers.registry import FORMATS
from store.data.readers.text.files import rereadable, shown_name, shown_path, suffix
from store.errors import DataError

LINES = (".json", ".jsonl", ".ndjson")


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
    _refuse_wrong(options)
    problems = Problems()
    if isinstance(source, (str, Path)):
        return _read_files(Path(source), options, problems)
    interactions, items = source if isinstance(source, tuple) else (source, options.items)
    options = replace(options, items=items)
    files = [frames.INTERACTIONS] + ([frames.ITEMS] if items is not None else [])
    try:
        log = frames.read_interactions(interactions, options, problems)
    except UnusableFileError:
        log = no_interactions()
    return _with_items(log, frames.INTERACTIONS, "frame", files, options, problems)


def _refuse_wrong(options: ReadOptions) -> None:
    """Say what is wrong with the options before anything is read."""
    selected_columns(options)
    if options.encoding is not None:
        try:
            "".encode(options.encoding)  # codecs that are no encodings of text are refused, too
        except (LookupError, ValueError):
            raise DataError(
                f"encoding={options.encoding}: there is no such encoding; use one such as cp1250"
            ) from None


def _read_files(source: Path, options: ReadOptions, problems: Problems) -> RawData:
    with rereadable(source) as path:
        found = detect(path, options.format)
        options = replace(options, items=found.items if options.items is None else options.items)
        name = shown_name(found.interactions)
        files = [name] + ([] if options.items is None else [_item_name(options.items)])
        try:
            _check_kind(found.interactions, found.format, options, problems)
            reader = FORMATS[found.format]
            log = reader.read_interactions(found.interactions, options, problems)
        except UnusableFileError:
            log = no_interactions()
    raw = _with_items(log, name, found.format, files, options, problems)
    if found.split is not None:
        raw.notes.append(
            f"{shown_name(found.split)} lies beside the data: --split {shown_path(found.split)}"
        )
    return raw


def _with_items(
    log: pl.DataFrame,
    name: str,
    form: str,
    files: list[str],
    options: ReadOptions,
    problems: Problems,
) -> RawData:
    """Read the items: from their file, else from the rows of the log."""
    if options.items is not None:
        texts = _read_item_source(options.items, options, problems)
    elif {"title", "categories"} & set(log.columns):
        texts = items_in_rows(log, name, options, problems)
    else:
        problems.notes.append("no item file: items have no texts; name one with --items")
        texts = no_items()
    log = log.drop("title", "categories", strict=False)
    counts = dict(problems.counts)
    return RawData(
        log,
        texts,
        problems.first,
        counts,
        problems.notes,
        form,
        files,
        problems.advice,
        problems.proposed,
    )


def _item_name(items: Any) -> str:
    return shown_name(Path(items)) if isinstance(items, (str, Path)) else frames.ITEMS


def _read_item_source(items: Any, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    try:
        if not isinstance(items, (str, Path)):
            return frames.read_items(items, options, problems)
        with rereadable(Path(items)) as path:
            return _read_item_file(path, options, problems)
    except UnusableFileError:
        return no_items()


def _read_item_file(path: Path, options: ReadOptions, problems: Problems) -> pl.DataFrame:
    """Read an item file in its own format, whatever that of the interactions is."""
    if not path.is_file():
        raise DataError(f"no such item file: {shown_path(path)}")
    form = file_format(path)
    _check_kind(path, form, ReadOptions(), problems)
    # Rows of items are not chosen by what events they are.
    options = replace(options, keep=(), minimum=())
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
            shown_name(path),
            f"the name says {suffix(path).removeprefix('.')}, but the content is {content};"
            " rename the file or give --format",
        )
