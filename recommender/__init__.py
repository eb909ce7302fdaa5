"""From a store to recommendations: ``train``, ``evaluate``, ``recommend``, ``explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from recommender.api import evaluate as evaluate
    from recommender.api import explain as explain
    from recommender.api import recommend as recommend
    from recommender.api import train as train
    from recommender.serving.export import recommend_frame as recommend_frame

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "api": ["evaluate", "explain", "recommend", "train"],
        "serving.export": ["recommend_frame"],
    },
)
