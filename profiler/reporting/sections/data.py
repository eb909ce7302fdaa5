"""The data set: its size, its split, and what is hidden from the language model."""

from __future__ import annotations

from profiler.reporting.sections.section import Material, ReportSection, Rows, fact_rows


class Data(ReportSection):
    """Size, source and split of the data."""

    def title(self, material: Material) -> str:
        """The heading."""
        return "Data and cut"

    def rows(self, material: Material) -> Rows:
        """As ``profiler status`` tells them."""
        return fact_rows(material.status.data)


DATA = Data()
