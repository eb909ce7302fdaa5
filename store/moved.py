"""Modules that the documentation named under other names before: those names work for one release.

A package registers its old names when it is imported, and pays for nothing more: an old name is
looked up only where somebody imports it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

UNTIL = "0.3"
"""The release that no longer knows the old names."""


class _OldNames(MetaPathFinder, Loader):
    """Finds the modules of today under their old names, submodules included."""

    def __init__(self) -> None:
        self.homes: dict[str, tuple[str, ...]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec for an old name; ``None`` for every other name."""
        return ModuleSpec(fullname, self) if self.homes_of(fullname) else None

    def homes_of(self, name: str) -> tuple[str, ...]:
        """Where the contents of an old name are now; empty for a name that is not old."""
        if name in self.homes:
            return self.homes[name]
        parent, _, child = name.rpartition(".")
        candidates = [f"{home}.{child}" for home in self.homes.get(parent, ())]
        return tuple(name for name in candidates if find_spec(name) is not None)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The default; :meth:`exec_module` puts today's module in its place."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Let the old name stand for today's module, and say so once."""
        name = module.__name__
        homes = self.homes_of(name)
        warnings.warn(
            f"{name} is now {' and '.join(homes)}; the old name works until {UNTIL}",
            FutureWarning,
            stacklevel=2,
        )
        found = [import_module(home) for home in homes]
        if len(found) == 1:
            sys.modules[name] = found[0]
            return
        module.__path__ = []  # a package, so that its old submodules are looked for

        def look_up(attribute: str) -> Any:
            for home in found:
                if hasattr(home, attribute):
                    return getattr(home, attribute)
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

        vars(module)["__getattr__"] = look_up


_FINDER = _OldNames()


def old_names(homes: Mapping[str, str | tuple[str, ...]]) -> None:
    """Let old dotted names be imported.

    Parameters
    ----------
    homes
        Old name of a module or package → the name of today, or the names where its contents were
        divided.
    """
    if _FINDER not in sys.meta_path:
        # First, or a submodule of a package that moved would be loaded a second time by its path.
        sys.meta_path.insert(0, _FINDER)
    for name, home in homes.items():
        _FINDER.homes[name] = (home,) if isinstance(home, str) else home
