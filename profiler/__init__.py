"""From interactions to stored interests: ``profiler.build`` and what it is made of."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from profiler.asking.chat import open_chat as open_chat
    from profiler.config import BuildConfig as BuildConfig
    from profiler.pipeline import BuildReport as BuildReport
    from profiler.pipeline import build as build

# Loaded on first use: importing the package must stay free for `--help`.
_HOME = {
    "build": "profiler.pipeline",
    "BuildReport": "profiler.pipeline",
    "BuildConfig": "profiler.config",
    "open_chat": "profiler.asking.chat",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'profiler' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value
