"""What asking took: calls, answers, tokens, cost, and calls that brought no answer."""

from __future__ import annotations

from profiler.reporting.sections.section import Material, ReportSection, Rows, fact_rows


class Asking(ReportSection):
    """Calls, answers and what they cost."""

    def title(self, material: Material) -> str:
        """The heading."""
        return "Asking"

    def rows(self, material: Material) -> Rows:
        """As ``profiler status`` tells them, then failed calls and templates."""
        done = material.done
        failed = done.failed_calls.items()
        return [
            *fact_rows(material.status.asking),
            *((f"calls without an answer: {why}", f"{number:,}") for why, number in failed),
            *([("prompt templates", ", ".join(done.templates))] if done.templates else []),
        ]


ASKING = Asking()
