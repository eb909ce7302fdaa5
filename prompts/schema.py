"""Bounds of an answer's schema: left out where a service refuses them, tightened where it obeys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BOUNDS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"})


def unbounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without bounds on numbers, lengths and lists.

    Services that promise to keep a schema refuse many of these words, each others; whether an
    answer keeps the bounds is checked when it is read.
    """
    return {name: _unbounded(value, name) for name, value in schema.items() if name not in BOUNDS}


def tightened(schema: Mapping[str, Any], *, items: int, interests: int) -> dict[str, Any]:
    """The schema with the bounds of one question: the numbers of its items, and so many interests.

    A model that is held to a grammar repeats itself up to the bounds, so they are as close as may
    be.

    Parameters
    ----------
    schema
        With the bounds of any question.
    items
        Number of items shown.
    interests
        Most interests asked for.
    """
    return {name: _tightened(value, name, items, interests) for name, value in schema.items()}


def _unbounded(value: Any, within: str) -> Any:
    if isinstance(value, list):
        return [_unbounded(one, "") for one in value]
    if not isinstance(value, dict):
        return value
    if within == "properties":  # the names in it are the answer's own
        return {name: unbounded(one) for name, one in value.items()}
    return unbounded(value)


def _tightened(value: Any, name: str, items: int, interests: int) -> Any:
    if not isinstance(value, dict):
        return value
    inner = tightened(value, items=items, interests=interests)
    if name == "evidence" and inner.get("type") == "array":
        inner["maxItems"] = min(inner.get("maxItems", items), items)
        if inner.get("items", {}).get("type") == "integer":
            inner["items"] = inner["items"] | {"maximum": items}
    if name == "interests" and inner.get("type") == "array":
        inner["maxItems"] = min(inner.get("maxItems", interests), interests, items)
    return inner
