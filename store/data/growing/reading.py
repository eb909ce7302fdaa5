"""How a store's data were read, so that further files are read in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from store.data.readers.base.options import ReadOptions

__all__ = ["KEY", "read_options_of", "told_options"]

KEY = "reading"
"""Fact of a store under which a build records its options."""

_OF_ONE_SOURCE = ("items", "table", "query", "items_table", "items_query")


def told_options(options: ReadOptions | None) -> dict[str, Any]:
    """What was said of how to read, as JSON, without what is of one source only."""
    options, usual = options or ReadOptions(), ReadOptions()
    return {
        one.name: getattr(options, one.name)
        for one in fields(ReadOptions)
        if one.name not in _OF_ONE_SOURCE and getattr(options, one.name) != getattr(usual, one.name)
    }


def read_options_of(recorded: Mapping[str, Any], options: ReadOptions | None = None) -> ReadOptions:
    """Options of before, with what is said now in their place.

    Parameters
    ----------
    recorded
        What the last build recorded under :data:`KEY`.
    options
        What is said now; its items, table and query stand as they are.
    """
    known = {one.name for one in fields(ReadOptions)}
    before: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in recorded.items()
        if name in known
    }
    own: dict[str, Any] = {}
    if options is not None:
        own = {one: getattr(options, one) for one in _OF_ONE_SOURCE}
    return ReadOptions(**before | told_options(options) | own)
