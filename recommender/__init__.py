"""From a store to recommendations: train, load, evaluate, compare, recommend, explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from recommender._version import __version__ as __version__
    from recommender.api import evaluate as evaluate
    from recommender.api import explain as explain
    from recommender.api import recommend as recommend
    from recommender.api import train as train
    from recommender.experiments.compare import compare as compare
    from recommender.model import Model as Model
    from recommender.model import load as load
    from recommender.serving.export import export as export
    from recommender.serving.export import recommend_frame as recommend_frame

__distribution__ = "interest-profiler"  # read by store/installation.py

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_version": ["__version__"],
        "api": ["evaluate", "explain", "recommend", "train"],
        "experiments.compare": ["compare"],
        "model": ["Model", "load"],
        "serving.export": ["export", "recommend_frame"],
    },
)
