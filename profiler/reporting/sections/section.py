"""What a section of the run card must offer, and what it is made from."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from profiler.growth.diff import StoreDiff
    from profiler.reporting.shared.pseudonyms import Names
    from store.store import Store
    from store.views.runs import Activity
    from store.views.status import Status

__all__ = ["Material", "ReportSection", "Rows"]

Rows: TypeAlias = Sequence[tuple[str, str]]
"""What is told, and what is said of it; both are plain text, which the page escapes."""


@dataclass(frozen=True)
class Material:
    """What the sections of one page are made from.

    Attributes
    ----------
    store
        Open; it is only read.
    status
        Counts, coverage and cost, from one look at the store.
    done
        Commands, models and failures on record.
    names
        What people are called on this page; a section must not write their ids.
    since
        What changed since an older store, where the page is made to tell it.
    """

    store: Store
    status: Status
    done: Activity
    names: Names
    since: StoreDiff | None = None


class ReportSection(ABC):
    """A titled list of facts on the run card."""

    @abstractmethod
    def title(self, material: Material) -> str:
        """The heading."""

    @abstractmethod
    def rows(self, material: Material) -> Rows:
        """The facts, in their order; a section without any is left out."""


def fact_rows(facts: Mapping[str, Any], only: Sequence[str] | None = None) -> Rows:
    """Facts as rows of text, without those that are unknown.

    Parameters
    ----------
    facts
        Label → value.
    only
        Labels to take, in this order; None takes all.
    """
    labels = tuple(facts) if only is None else only
    return [(key, _text(key, facts[key])) for key in labels if facts.get(key) is not None]


def utc(stamp: str | None) -> str:
    """A time of the store, to the minute; empty where there is none."""
    return stamp[:16].replace("T", " ") + " UTC" if stamp else ""


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if "seed" in key else f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
