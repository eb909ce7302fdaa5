"""Where the real data sets lie; a benchmark that needs an absent one says so and stops."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def data_dir(name: str) -> Path:
    """Folder of one data set, from INTEREST_PROFILER_DATA or ../shared/data."""
    base = Path(os.environ.get("INTEREST_PROFILER_DATA", ROOT.parent / "shared" / "data"))
    if not (base / name).is_dir():
        sys.exit(f"needs the data set {name!r} at {base / name}; set INTEREST_PROFILER_DATA")
    return base / name
