"""Registries of interchangeable parts: built-in ones, then those of other packages.

A part is an object at ``module:attribute`` that is imported when it is first asked for. Another
package adds its own by an entry point; a built-in name always means the built-in part.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from store.errors import UserError

__all__ = ["Registry"]

Part = TypeVar("Part")


class Registry(Mapping[str, Part], Generic[Part]):
    """Parts of one kind by name, imported on first use.

    Parameters
    ----------
    what
        What a part is called in messages, such as ``format``.
    group
        Entry-point group in which other packages name theirs.
    kind
        Class that every part must be an instance of.
    built_in
        ``module:attribute`` by name, in the order in which they are listed.
    base
        Where parts are classes: ``module:attribute`` of the class that each must be a subclass of,
        imported with the first part of another package.
    """

    def __init__(
        self,
        what: str,
        group: str,
        kind: type[Any],
        built_in: Mapping[str, str],
        *,
        base: str | None = None,
    ) -> None:
        self._what, self._group, self._kind, self._base = what, group, kind, base
        self._built_in = dict(built_in)
        self._loaded: dict[str, Part] = {}

    @cached_property
    def _added(self) -> dict[str, EntryPoint]:
        """Entry points of other packages, by name; the first of two equal names counts."""
        found: dict[str, EntryPoint] = {}
        for point in sorted(entry_points(group=self._group), key=lambda point: point.name):
            if point.name not in self._built_in:
                found.setdefault(point.name, point)
        return found

    @property
    def built_in(self) -> tuple[str, ...]:
        """Names of the built-in parts; asking for them reads nothing of other packages."""
        return tuple(self._built_in)

    def __iter__(self) -> Iterator[str]:
        yield from self._built_in
        yield from self._added

    def __len__(self) -> int:
        return len(self._built_in) + len(self._added)

    def __contains__(self, name: object) -> bool:
        return name in self._built_in or name in self._added

    def __getitem__(self, name: str) -> Part:
        """Part of that name.

        Raises
        ------
        KeyError
            There is none; :meth:`get_known` says so to a user.
        UserError
            The package that names it cannot be imported, or what it names is no such part.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def get_known(self, name: str) -> Part:
        """Part of that name.

        Raises
        ------
        UserError
            There is none; the message lists those there are and names the nearest.
        """
        if name not in self:
            near = difflib.get_close_matches(name, list(self), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"unknown {self._what} {name!r}: use one of {', '.join(self)}{hint}")
        return self[name]

    def usable(self) -> Iterator[tuple[str, Part]]:
        """Names and parts, without those of other packages that cannot be loaded."""
        for name in self:
            try:
                yield name, self[name]
            except UserError:
                continue

    def _load(self, name: str) -> Part:
        if name in self._built_in:
            ours: Part = _attribute(self._built_in[name])
            return ours
        point = self._added[name]
        origin = f"{point.value!r}" + (f" of {point.dist.name}" if point.dist else "")
        try:
            part = point.load()
        except Exception as error:  # whatever a foreign module raises on import
            raise UserError(
                f"{self._what} {name!r} cannot be loaded from {origin}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(part, self._kind):
            raise UserError(
                f"{self._what} {name!r}: {origin} is a {type(part).__name__}, not a "
                f"{self._kind.__module__}.{self._kind.__qualname__}"
            )
        if self._base is not None and not issubclass(part, _attribute(self._base)):
            raise UserError(
                f"{self._what} {name!r}: {origin} is no subclass of {self._base.replace(':', '.')}"
            )
        found: Part = part
        return found


def _attribute(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
