"""Subjects without usable interests, the largest first; people are called by the page's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiler.reporting.sections.section import Material, ReportSection, Rows

if TYPE_CHECKING:
    from profiler.reporting.shared.pseudonyms import Names
    from store.views.runs import Unanswered as Subject


class Unanswered(ReportSection):
    """Whom no usable answer is about, and why."""

    def title(self, material: Material) -> str:
        """The heading."""
        return "Without a usable answer"

    def rows(self, material: Material) -> Rows:
        """A row for each subject."""
        return [_row(one, material.names) for one in material.done.unanswered]


def _row(one: Subject, names: Names) -> tuple[str, str]:
    name = names.of(one.user_ix) if one.user_ix is not None else names.other(one.name)
    reason = "" if one.reason is None else f": {one.reason}"
    return f"{one.kind} {name}".strip(), f"{one.state}{reason} (stands for {one.size:,})"


UNANSWERED = Unanswered()
