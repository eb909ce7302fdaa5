"""The sections of the run card by name, ours and those of other packages, in their order."""

from __future__ import annotations

from profiler.reporting.sections.section import ReportSection
from store.registry import Registry

REPORT_SECTIONS: Registry[ReportSection] = Registry(
    "report section",
    "interest_profiler.report_sections",
    ReportSection,
    {
        "settings": "profiler.reporting.sections.settings:SETTINGS",
        "data": "profiler.reporting.sections.data:DATA",
        "since": "profiler.reporting.sections.since:SINCE",
        "subjects": "profiler.reporting.sections.subjects:SUBJECTS",
        "asking": "profiler.reporting.sections.asking:ASKING",
        "models": "profiler.reporting.sections.models:MODELS",
        "runs": "profiler.reporting.sections.runs:RUNS",
        "unanswered": "profiler.reporting.sections.unanswered:UNANSWERED",
    },
)
