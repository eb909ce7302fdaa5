"""What changed since an older store: interests that came, went, grew and shrank, and who moved."""

from __future__ import annotations

from profiler.growth.diff import changed_names
from profiler.reporting.sections.section import Material, ReportSection, Rows


class Since(ReportSection):
    """Changes since the store that ``--since`` names; left out where none is named."""

    def title(self, material: Material) -> str:
        """The heading."""
        return "Since the older store"

    def rows(self, material: Material) -> Rows:
        """Sizes, interests by what became of them, and how many people moved."""
        found = material.since
        if found is None:
            return []
        sizes = {
            "people": found.users,
            "items": found.items,
            "events": found.interactions,
        }
        rows = [(name, f"{before:,} → {after:,}") for name, (before, after) in sizes.items()]
        interests = {
            "new": found.new,
            "gone": found.gone,
            "grown": found.grown,
            "shrunk": found.shrunk,
        }
        rows += [
            (f"interests {name}", f"{len(those):,}: {changed_names(those)}")
            for name, those in interests.items()
            if those
        ]
        rows.append(("interests unchanged", f"{found.unchanged:,}"))
        rows.append(("representatives replaced", f"{len(found.replaced):,}"))
        moved = f"{len(found.moved):,} of {found.compared:,} people"
        return [*rows, ("represented by another", moved)]


SINCE = Since()
