"""Where template texts run: they see their variables only, and every loop and text has a limit.

A text may come from somebody else. Jinja2's sandbox keeps it away from the program's objects; the
limits here keep it from running for ever or filling the memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateRuntimeError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_STEPS = 1_000_000
"""Turns of all loops of one text: a prompt's item list has thousands. Our choice."""
MAX_SIGNS = 4_000_000
"""Length of a text or list that a template makes: far beyond any model's context. Our choice."""
MAX_EXPONENT = 64

_COUNTED = "_counted"
_WIDE = re.compile(r"[%:][^%}]*?(\d{6,}|\{|\*)")
"""Padding to a million signs, or to a width that an argument says."""
_steps: ContextVar[list[int]] = ContextVar("steps")


def _refuse(what: str) -> TemplateRuntimeError:
    return TemplateRuntimeError(f"{what}; a template may not do that")


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    """Pass items on and count them for the whole text."""
    steps = _steps.get()
    for item in items:
        steps[0] += 1
        if steps[0] > MAX_STEPS:
            raise _refuse(f"its loops take more than {MAX_STEPS:,} turns")
        yield item


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox whose loops are counted and whose operators and calls make nothing huge."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise _refuse("it has a recursive loop")
            loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
        return tree

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse a product, power, sum or format that would be huge."""
        if operator == "*":
            _check_product(left, right)
        elif operator == "**" and isinstance(right, int) and abs(right) > MAX_EXPONENT:
            raise _refuse(f"it raises to a power above {MAX_EXPONENT}")
        elif operator == "+":
            _check_length(_length(left) + _length(right))
        elif operator == "%" and isinstance(left, str):
            _check_widths(left)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Refuse a call whose numbers ask for something huge, such as ``"".center(10**9)``."""
        for value in (*args, *kwargs.values()):
            if isinstance(value, int) and abs(value) > MAX_SIGNS:
                raise _refuse(f"it calls with the number {value:.3g}")
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, str) and getattr(__obj, "__name__", "") in ("replace", "join"):
            _check_product(owner, max((_length(value) for value in args), default=0))
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Any:
        """Refuse ``str.format`` where the text asks for something huge."""
        wrapped = super().wrap_str_format(value)
        if wrapped is not None:
            _check_widths(value.__self__)
        return wrapped


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, list, tuple)) else 0


def _check_length(length: int) -> None:
    if length > MAX_SIGNS:
        raise _refuse(f"it makes a text or list longer than {MAX_SIGNS:,}")


def _check_product(left: Any, right: Any) -> None:
    for many, times in ((left, right), (right, left)):
        if isinstance(times, int) and not isinstance(many, (int, float)):
            _check_length(_length(many) * times)
    if isinstance(left, int) and isinstance(right, int) and (left * right).bit_length() > 512:
        raise _refuse("it makes a number of more than 150 digits")


def _check_widths(text: str) -> None:
    if found := _WIDE.search(text):
        raise _refuse(f"it pads a text to the width {found[1][:20]}")


def _filter_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A built-in filter with the limits that calls have."""

    def limited(value: Any, *args: Any, **kwargs: Any) -> Any:
        for one in (*args, *kwargs.values()):
            if isinstance(one, int) and abs(one) > MAX_SIGNS:
                raise _refuse(f"it filters with the number {one:.3g}")
        if isinstance(value, str):
            _check_widths(value)
        return function(value, *args, **kwargs)

    return limited


def make_environment() -> LimitedEnvironment:
    """Return the environment of template texts."""
    environment = LimitedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "ensure_ascii": False}
    environment.filters[_COUNTED] = _counted
    for name in ("center", "format"):
        environment.filters[name] = _filter_of(environment.filters[name])
    return environment


def fill(template: Template, *args: Any, **variables: Any) -> str:
    """Render a text under the limits.

    Raises
    ------
    TemplateError
        A limit is passed, or the text fails.
    """
    pieces: list[str] = []
    length = 0
    with _counting():
        for piece in template.generate(*args, **variables):
            length += len(piece)
            _check_length(length)
            pieces.append(piece)
    return "".join(pieces)


@contextmanager
def _counting() -> Iterator[None]:
    token = _steps.set([0])
    try:
        yield
    finally:
        _steps.reset(token)
