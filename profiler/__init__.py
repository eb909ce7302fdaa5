"""From interactions to stored interests: ``profiler.build`` and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from store.moved import old_names
from store.version import __version__ as __version__

if TYPE_CHECKING:
    from profiler.api import append as append
    from profiler.api import build as build
    from profiler.api import check as check
    from profiler.api import compare as compare
    from profiler.api import evaluate as evaluate
    from profiler.api import explain as explain
    from profiler.api import export as export
    from profiler.api import interests as interests
    from profiler.api import report as report
    from profiler.api import search as search
    from profiler.api import show as show
    from profiler.api import status as status
    from profiler.config import BuildConfig as BuildConfig
    from profiler.llm.registry import open_chat as open_chat
    from profiler.pipeline import BuildReport as BuildReport
    from store.store import open_store as open_store

__distribution__ = "interest-profiler"  # read by store/installation.py

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "api": [
            "append",
            "build",
            "check",
            "compare",
            "evaluate",
            "explain",
            "export",
            "interests",
            "report",
            "search",
            "show",
            "status",
        ],
        "config": ["BuildConfig"],
        "llm.registry": ["open_chat"],
        "pipeline": ["BuildReport", "open_store"],
    },
)

old_names(
    {
        "profiler.asking.budget": "profiler.llm.budget",
        "profiler.asking.chat": "profiler.llm.registry",
        "profiler.exemplars": ("profiler.selection.exemplars", "profiler.selection.affinity"),
        "profiler.synthetic": "profiler.selection.synthetic",
    }
)
