"""The run card: what the store was made from, how, by whom, at what price, and what failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiler.reporting.sections.registry import REPORT_SECTIONS
from profiler.reporting.sections.section import Material, utc
from profiler.reporting.shared.contract import Section
from store.views.runs import activity
from store.views.status import summarise

if TYPE_CHECKING:
    from profiler.growth.diff import StoreDiff
    from profiler.reporting.shared.pseudonyms import Names
    from store.store import Store

MOST_FAILURES = 20


@dataclass(frozen=True)
class Card:
    """The run card.

    Attributes
    ----------
    offline
        Whether all interests come from the extractor that is no language model.
    sources
        Interests in use by who worded them.
    representatives, blends
        Subjects of either kind with usable interests.
    unanswered
        Subjects without.
    as_of
        When the store was last written by a command; empty if never.
    sections
        Facts.
    """

    offline: bool
    sources: dict[str, int]
    representatives: int
    blends: int
    unanswered: int
    as_of: str
    sections: list[Section]


def run_card(store: Store, names: Names, since: StoreDiff | None = None) -> Card:
    """Gather the facts from the store's own records; people are called by ``names``.

    Parameters
    ----------
    store, names
        An open store, and what people are called.
    since
        What changed since an older store, where that is to be told.

    Raises
    ------
    UserError
        If a section of another package cannot be loaded.
    """
    status = summarise(store)
    done = activity(store, most_unanswered=MOST_FAILURES)
    material = Material(store, status, done, names, since)
    sections = [
        Section(title=section.title(material), rows=list(section.rows(material)))
        for section in REPORT_SECTIONS.values()
    ]
    subjects = status.subjects
    return Card(
        offline=set(done.sources) == {"offline"},
        sources=done.sources,
        representatives=subjects.get("exemplar ok", 0),
        blends=subjects.get("synthetic ok", 0),
        unanswered=sum(n for kind, n in subjects.items() if not kind.endswith(" ok")),
        as_of=utc(next((run.finished_at for run in done.runs if run.finished_at), None)),
        sections=[section for section in sections if section.rows],
    )
