"""The latest commands that wrote to the store, with their times and how they ended."""

from __future__ import annotations

from profiler.reporting.sections.section import Material, ReportSection, Rows, utc
from store.views.runs import RunRow


class Runs(ReportSection):
    """Commands on record, the newest first."""

    def title(self, material: Material) -> str:
        """The heading."""
        return "Commands that wrote to the store"

    def rows(self, material: Material) -> Rows:
        """A row for each command."""
        return [(f"{run.run_id} {run.kind}", _said(run)) for run in material.done.runs]


def _said(run: RunRow) -> str:
    until = f" to {utc(run.finished_at)}" if run.finished_at else ""
    return f"{utc(run.started_at)}{until}: {run.status}"


RUNS = Runs()
