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
            "Drift above which a user counts as moved: 1 minus the cosine of the user's history "
            "vectors then and now.",
            default="0.1",
        ),
    ] = None
    refresh_usd: Annotated[
        float | None,
        option(
            "Ask again about drifted exemplars, the farthest first, up to an expected cost of this "
            "many dollars; without a model, about all of them."
        ),
    ] = None

    def refresh(self) -> RefreshOptions:
        """Return them as a build takes them."""
        from profiler.growth.refresh import RefreshOptions

        chosen = given(drift=self.drift, usd=self.refresh_usd)
        return RefreshOptions(**chosen)
