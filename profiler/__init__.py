"""From interactions to stored interests: ``profiler.build`` and what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

from store.moved import old_names
from store.version import __version__ as __version__

if TYPE_CHECKING:
    from profiler.config import BuildConfig as BuildConfig
    from profiler.llm.registry import open_chat as open_chat
    from profiler.pipeline import BuildReport as BuildReport
    from profiler.pipeline import build as build

__distribution__ = "interest-profiler"  # read by store/installation.py

# Names are imported on first use: importing the package must stay free for `--help`.
__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["BuildConfig"],
        "llm.registry": ["open_chat"],
        "pipeline": ["BuildReport", "build"],
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
