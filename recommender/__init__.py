"""From a store to recommendations: ``train``, ``evaluate``, ``recommend``, ``explain``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recommender.export import recommend_frame as recommend_frame
    from recommender.runs import evaluate as evaluate
    from recommender.runs import explain as explain
    from recommender.runs import recommend as recommend
    from recommender.runs import train as train

# Loaded on first use: importing the package must stay free for `--help`.
_HOME = dict.fromkeys(("train", "evaluate", "recommend", "explain"), "recommender.runs")
_HOME["recommend_frame"] = "recommender.export"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'recommender' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
