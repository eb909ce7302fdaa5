"""Bring the data of an address into a private folder for as long as they are read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.data.readers.base.options import ReadOptions
from store.data.readers.sources.address import Location
from store.data.readers.sources.registry import SOURCES
from store.data.readers.sources.source import Brought, Tell
from store.errors import DataError

_TABLE_OPTIONS = ("table", "query", "items_table", "items_query")


@contextmanager
def brought(location: Location, options: ReadOptions, tell: Tell) -> Iterator[Brought]:
    """Yield the data of an address as files, which are removed afterwards.

    Parameters
    ----------
    location
        The address.
    options
        What of it to read, and the largest size.
    tell
        Told how far the copying is.

    Raises
    ------
    DataError
        The address cannot be read, or the options do not fit it.
    UserError
        A package that reads it is not installed.
    """
    source = SOURCES[location.scheme]
    if not source.has_tables:
        refuse_tables(options, location.recorded)
    with tempfile.TemporaryDirectory(prefix="profiler-") as folder:
        yield source.bring(location, options, Path(folder), tell)


def refuse_tables(options: ReadOptions, name: str) -> None:
    """Refuse tables and queries where a source is a file.

    Raises
    ------
    DataError
        One was given.
    """
    for option in _TABLE_OPTIONS:
        value = getattr(options, option)
        if value is not None:
            raise DataError(
                f"{option}={value}: {name} is no database; `{option}` is for addresses such as"
                " postgresql://HOST/DATABASE and duckdb:FILE"
            )
