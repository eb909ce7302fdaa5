"""Read a data set: find its files, read each with the reader of its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from store.data.readers.base.options import ReadOptions
from store.data.readers.base.problems import Kind, Problems, UnusableFileError
from store.data.readers.base.raw_data import RawData, no_interactions, no_items
from store.data.readers.base.reader import Reader
from store.data.readers.columns.items import items_in_rows
from store.data.readers.columns.selection import selected_columns
from store.data.readers.detection import TABLES, detect, file_format
from store.data.readers.formats import frames
from store.data.readers.registry import FORMATS
from store.data.readers.sources.bring import brought, refuse_tables
from store.data.readers.sources.location import location_of
from store.data.readers.sources.registry import SOURCES
from store.data.readers.sources.source import Tell
from store.data.readers.text.files import rereadable, shown_name, shown_path, suffix
from store.errors import DataError

LINES = (".json", ".jsonl", ".ndjson")
ReadItems = Callable[[Any, ReadOptions, Problems], pl.DataFrame]


def read(
    source: Any, options: ReadOptions | None = None, *, progress: Tell | None = None
) -> RawData:
    """Read interactions and items, and name everything that is wrong with them.

    Parameters
    ----------
    source
        A file or a folder (text or path), an address as text (``postgresql://…``,
        ``duckdb:FILE``, ``s3://…``, ``https://…``), an interactions frame (pandas, polars,
        pyarrow), or a pair of frames (interactions, items).
    options
        Format, item file and column names, where they are not to be detected.
    progress
        Called with (step, done, total) while data are copied from an address.

    Returns
    -------
    RawData
        With ``problems`` where rows or files could not be read; see :func:`raise_on_problems`.

    Raises
    ------
    DataError
        The source does not exist, is no data set, or is not a frame.
    UserError
        A package that reads an address is not installed.
    """
    options = options or ReadOptions()
    _refuse_wrong(options)
    problems = Problems()
    tell = progress or (lambda step, done, total: None)
    if isinstance(source, (str, Path)):
        return _read_place(source, options, problems, tell)
    return _read_frames(source, options, problems, tell)


def _read_place(
    source: str | Path, options: ReadOptions, problems: Problems, tell: Tell
) -> RawData:
    """Read files, or what lies at an address, which is copied to files first."""
    location = location_of(source)
    if location is None:
        raw = _read_files(Path(source), options, problems, tell)
        return replace(raw, source=str(source))
    with brought(location, options, tell) as there:
        problems.notes += there.notes
        if there.items is not None:
            options = replace(options, items=there.items)
        chosen = replace(options, table=None, query=None, items_table=None, items_query=None)
        raw = _read_files(there.interactions, chosen, problems, tell)
    detail = f" ({there.detail})" if there.detail else ""
    return replace(raw, source=location.recorded + detail)


def _read_frames(source: Any, options: ReadOptions, problems: Problems, tell: Tell) -> RawData:
    refuse_tables(options, "a frame")
    interactions, items = source if isinstance(source, tuple) else (source, options.items)
    options = replace(options, items=items)
    files = [frames.INTERACTIONS] + ([frames.ITEMS] if items is not None else [])
    try:
        log = frames.read_interactions(interactions, options, problems)
    except UnusableFileError:
        log = no_interactions()
    texts = _items(log, files[0], options, problems, partial(_read_item_source, tell=tell))
    return _gathered(log, texts, "frame", files, problems)


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


def _read_files(source: Path, options: ReadOptions, problems: Problems, tell: Tell) -> RawData:
    with rereadable(source) as path:
        found = detect(path, options.format)
        reader = FORMATS[found.format]
        if not reader.has_tables:
            refuse_tables(options, shown_name(source))
        read_items: ReadItems = partial(_read_item_source, tell=tell)
        if options.items is None:
            own = found.interactions if options.items_table is not None else found.items
            options = replace(options, items=own)
            if found.format not in TABLES:
                read_items = _own_items(reader)
        name = shown_name(found.interactions)
        files = [name] + ([] if options.items is None else [_item_name(options.items)])
        try:
            _check_kind(found.interactions, found.format, options, problems)
            log = reader.read_interactions(found.interactions, options, problems)
        except UnusableFileError:
            log = no_interactions()
        texts = _items(log, name, options, problems, read_items)
    raw = _gathered(log, texts, found.format, files, problems)
    if found.split is not None:
        raw.notes.append(
            f"{shown_name(found.split)} lies beside the data: --split {shown_path(found.split)}"
        )
    return raw


def _items(
    log: pl.DataFrame, name: str, options: ReadOptions, problems: Problems, read_items: ReadItems
) -> pl.DataFrame:
    """Read the items: from their file, else from the rows of the log."""
    if options.items is not None:
        try:
            return read_items(options.items, options, problems)
        except UnusableFileError:
            return no_items()
    if {"title", "categories"} & set(log.columns):
        return items_in_rows(log, name, options, problems)
    problems.notes.append("no item file: items have no texts; name one with --items")
    return no_items()


def _gathered(
    log: pl.DataFrame, texts: pl.DataFrame, form: str, files: list[str], problems: Problems
) -> RawData:
    return RawData(
        log.drop("title", "categories", strict=False),
        texts,
        problems.first,
        dict(problems.counts),
        problems.notes,
        form,
        files,
        problems.advice,
        problems.proposed,
    )


def _item_name(items: Any) -> str:
    if not isinstance(items, (str, Path)):
        return frames.ITEMS
    location = location_of(items)
    return shown_name(Path(items)) if location is None else location.recorded


def _own_items(reader: Reader) -> ReadItems:
    """How items are read that belong to a format's files: by the same reader."""

    def read_items(items: Any, options: ReadOptions, problems: Problems) -> pl.DataFrame:
        return reader.read_items(items, replace(options, keep=(), minimum=()), problems)

    return read_items


def _read_item_source(
    items: Any, options: ReadOptions, problems: Problems, *, tell: Tell
) -> pl.DataFrame:
    if not isinstance(items, (str, Path)):
        return frames.read_items(items, options, problems)
    location = location_of(items)
    if location is None:
        with rereadable(Path(items)) as path:
            return _read_item_file(path, options, problems)
    if SOURCES[location.scheme].has_tables:
        raise DataError(
            f"items={location.recorded}: items are read from a database together with their"
            " interactions; name them with items_table or items_query"
        )
    with brought(location, options, tell) as there:
        problems.notes += there.notes
        return _read_item_file(there.interactions, options, problems)


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
    is_json = FORMATS[form].is_json
    if (is_json and named_table) or (not is_json and named_lines):
        content = "JSON lines" if is_json else "not JSON lines"
        raise problems.fatal(
            Kind.NAME,
            shown_name(path),
            f"the name says {suffix(path).removeprefix('.')}, but the content is {content};"
            " rename the file or give --format",
        )
