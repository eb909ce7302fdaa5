"""What notebooks show of a result: its fields as a small table of escaped HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

MOST = 10
"""Entries of a list that are shown."""


class InNotebooks:
    """Gives a dataclass the table that a notebook shows in the place of its text."""

    def _repr_html_(self) -> str:
        return html_of(self)


def html_of(value: Any) -> str:
    """Write a value as HTML: fields as rows of a table, lists as lists, anything else as text.

    Parameters
    ----------
    value
        A dataclass, a mapping, a list or a plain value, nested as it may be.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return html_table([(one.name, getattr(value, one.name)) for one in fields(value)])
    if isinstance(value, Mapping):
        return html_table(list(value.items()))
    if isinstance(value, list | tuple):
        return _list(value)
    if value is None or value == "":
        return "–"
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))


def html_table(rows: Sequence[tuple[Any, Any]]) -> str:
    """Write names and values as a table of two columns."""
    body = "".join(
        f"<tr><th>{html.escape(str(name))}</th><td>{html_of(value)}</td></tr>"
        for name, value in rows
    )
    return f"<table>{body}</table>"


def _list(values: Sequence[Any]) -> str:
    if not values:
        return "–"
    shown = "".join(f"<li>{html_of(value)}</li>" for value in values[:MOST])
    more = f"<li>and {len(values) - MOST:,} more</li>" if len(values) > MOST else ""
    return f"<ul>{shown}{more}</ul>"
