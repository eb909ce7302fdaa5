"""The console scripts start here: with our own ``cli.py``, and only if the packages are ours.

Both programs start in this package because distributions called ``store`` and ``profiler`` exist:
where one of them was installed over ours, importing those would run its code.
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent


def profiler_main() -> None:
    """Start the program ``profiler``."""
    _start("profiler")


def recommender_main() -> None:
    """Start the program ``recommender``."""
    _start("recommender")


def _start(program: str) -> None:
    installation = _load("_installation", ROOT / "store" / "installation.py")
    found = installation.problems(ROOT)
    if found:
        sys.stderr.write("".join(f"{program}: {line}\n" for line in found))
        sys.exit(2)
    getattr(_load("cli", ROOT / "cli.py"), f"{program}_main")()


def _load(name: str, file: Path) -> ModuleType:
    """Import a module from its file, whatever else bears its name."""
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not there")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
