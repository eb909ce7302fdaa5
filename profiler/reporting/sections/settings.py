"""Settings of the run that brought the interests at hand, which need not be a build."""

from __future__ import annotations

from profiler.reporting.sections.section import Material, ReportSection, Rows, fact_rows, utc
from store.views.runs import RunRow

MAKERS = ("build", "import-interests", "import-responses", "retry")
"""Commands that bring interests into a store; the latest one says how those at hand were made."""


class Settings(ReportSection):
    """The configuration of the latest run that brought interests."""

    def title(self, material: Material) -> str:
        """Name the command."""
        run = _run(material)
        return f"The run that brought the interests: {run.kind}" if run else "Settings"

    def rows(self, material: Material) -> Rows:
        """When it ended, and its settings."""
        run = _run(material)
        if run is None:
            return []
        finished = [("finished", utc(run.finished_at))] if run.finished_at else []
        return [*finished, *fact_rows(run.config)]


def _run(material: Material) -> RunRow | None:
    return next((run for run in material.done.runs if run.kind in MAKERS), None)


SETTINGS = Settings()
