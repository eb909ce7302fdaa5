"""One way to compile kernels, so that every room of this package does it alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import types
from numba.extending import intrinsic

P = ParamSpec("P")
T = TypeVar("T")

# Maxima vectorise only where NaN and the sign of zero may be ignored; inputs are checked for NaN
# before they reach a kernel. Infinities keep their meaning.
_FAST = {"nnan", "nsz", "reassoc", "contract"}


# Message updates of one round below which one thread is enough: a fraction of a millisecond.
_LITTLE = 500_000


def _pick(sign: str) -> Callable[..., Any]:
    def typed(context: Any, left: Any, right: Any) -> Any:
        if not isinstance(left, types.Float) or left != right:
            return None

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            first = builder.fcmp_ordered(sign, *args, flags=_SELECT)
            return builder.select(first, *args, flags=_SELECT)

        return left(left, right), code

    return typed


def _choose(context: Any, condition: Any, left: Any, right: Any) -> Any:
    if not isinstance(left, types.Float) or left != right:
        return None

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args, flags=_SELECT)

    return left(types.boolean, left, right), code


# Python's ``max``, ``min`` and ``a if c else b`` compile to selections without the flags that let a
# loop over them be vectorised; these carry them. Both values are floats of the same type.
_SELECT = ("nnan", "nsz")
greater: Any = intrinsic(_pick(">"))
lesser: Any = intrinsic(_pick("<"))
choose: Any = intrinsic(_choose)


def helper(function: Callable[P, T]) -> Callable[P, T]:
    """Compile a part of a kernel of the same file; it is inlined there and never called alone."""
    return cast("Callable[P, T]", numba.njit(fastmath=_FAST, nogil=True)(function))


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compile ``function`` in parallel, without the interpreter, kept on disk where that can be."""
    return _compiled(function, parallel=True, fastmath=_FAST, nogil=True)


def worker(function: Callable[P, T]) -> Callable[P, T]:
    """Compile ``function`` for one thread of several that Python started; see :mod:`.blocks`."""
    return _compiled(function, fastmath=_FAST, nogil=True)


def exact(function: Callable[P, T]) -> Callable[P, T]:
    """Compile ``function`` with the arithmetic of Python, for one thread."""
    return _compiled(function)


def exact_parallel(function: Callable[P, T]) -> Callable[P, T]:
    """Compile ``function`` with the arithmetic of Python; its ``prange`` loops run in parallel."""
    return _compiled(function, parallel=True)


def _compiled(function: Callable[P, T], **options: Any) -> Callable[P, T]:
    """Compile, and keep the code on disk where that can be.

    Numba keeps compiled code beside the module or, where that folder is read-only, in the user's
    cache folder. Where neither can be written it raises at import; then code is compiled anew by
    each process.
    """
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        compiled = numba.njit(**options)(function)
    return cast("Callable[P, T]", compiled)


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """One thread where there is little to do: starting more would take longer than the work.

    Results do not depend on the number of threads: sums are made in a fixed number of pieces.
    """
    before = numba.get_num_threads()
    if work < _LITTLE:
        numba.set_num_threads(1)
    try:
        yield
    finally:
        numba.set_num_threads(before)
