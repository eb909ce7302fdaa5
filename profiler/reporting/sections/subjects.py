"""Whom to ask: subjects by state, and how exemplars and synthetic users were chosen."""

from __future__ import annotations

from profiler.reporting.sections.section import Material, ReportSection, Rows, fact_rows

_SOLVER = ("method", "preference", "damping_used", "iterations", "share", "seed", "candidates")
_COVER = ("candidates", "chosen", "users_covered", "items_covered", "gap", "upper_bound")


class Subjects(ReportSection):
    """Subjects, and the choices that made them."""

    def title(self, material: Material) -> str:
        """The heading."""
        return "Whom to ask"

    def rows(self, material: Material) -> Rows:
        """Counts by state, then the record of each choice."""
        exemplars = material.store.meta("exemplar_choice", {})
        synthetic = material.store.meta("synthetic_users", {})
        return [
            *fact_rows(material.status.subjects),
            *_named("exemplars", fact_rows(exemplars.get("settings") or {}, _SOLVER)),
            *fact_rows({"exemplars: net similarity": exemplars.get("net_similarity")}),
            *_named("synthetic users", fact_rows(synthetic, _COVER)),
            *_named("synthetic users", fact_rows(synthetic.get("settings") or {})),
        ]


def _named(whose: str, rows: Rows) -> Rows:
    return [(f"{whose}: {key.replace('_', ' ')}", value) for key, value in rows]


SUBJECTS = Subjects()
