"""Options about drift: from when somebody counts as drifted, and who is asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from store.console.options import given, option

if TYPE_CHECKING:
    from profiler.growth.refresh import RefreshOptions


@dataclass(frozen=True)
class DriftOptions:
    """Who counts as drifted, and what asking again may cost."""

    HEADING: ClassVar[str] = "Where the data grew"

    drift: Annotated[
        float | None,
        option(
            "Drift from which somebody counts as moved: 1 minus the cosine of their history "
            "then and now.",
            default="0.1",
        ),
    ] = None
    refresh_usd: Annotated[
        float | None,
        option(
            "Ask again about drifted exemplars, the farthest first, as many as this many dollars "
            "are expected to pay for; all of them without a model."
        ),
    ] = None

    def refresh(self) -> RefreshOptions:
        """Return them as a build takes them."""
        from profiler.growth.refresh import RefreshOptions

        chosen = given(drift=self.drift, usd=self.refresh_usd)
        return RefreshOptions(**chosen)
