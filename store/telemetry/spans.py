"""Spans around long work: nothing happens where OpenTelemetry is not installed or not set up.

No span holds a text that a user or a model wrote, or the name of a user.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, ParamSpec, Protocol, TypeVar

try:
    from opentelemetry import trace
except ImportError:  # the extra `otel` brings it; other packages may, too
    trace = None  # type: ignore[assignment]

P = ParamSpec("P")
R = TypeVar("R")
Value = str | bool | int | float | list[str]
Tell = Callable[[str, int, int], None]

NAME = "interest-profiler"
DETAIL = " · "
"""What stands behind this in a step's name may change while the step lasts."""


class Span(Protocol):
    """What can be said of a piece of work while it lasts."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Note a fact."""


class _NoSpan:
    """A span that nobody sees."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Note nothing."""


def tracer() -> Any:
    """The tracer of this program; None where OpenTelemetry is not installed."""
    return None if trace is None else trace.get_tracer(NAME)


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, Value | None] | None = None,
    *,
    kind: Literal["internal", "client"] = "internal",
) -> Iterator[Span]:
    """Trace a piece of work; an exception marks it as failed by its class, without its message.

    Parameters
    ----------
    name
        What is done, of few different values.
    attributes
        Facts that are known at its beginning; those that are None are left out.
    kind
        ``client`` where another service does the work.
    """
    own = tracer()
    if own is None:
        yield _NoSpan()
        return
    known = {key: value for key, value in (attributes or {}).items() if value is not None}
    how = trace.SpanKind.CLIENT if kind == "client" else trace.SpanKind.INTERNAL
    with own.start_as_current_span(
        name, kind=how, attributes=known, record_exception=False, set_status_on_exception=False
    ) as one:
        try:
            yield one
        except BaseException as error:
            _mark_failed(one, error)
            raise


def _mark_failed(one: Any, error: BaseException) -> None:
    one.set_attribute("error.type", getattr(error, "outcome", None) or type(error).__qualname__)
    one.set_status(trace.Status(trace.StatusCode.ERROR))


def traced(
    name: str, told: Callable[[Any], Mapping[str, Value | None]] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Trace every call of a function.

    Parameters
    ----------
    name
        Of the span.
    told
        Facts of what the function returns.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name) as one:
                result = function(*args, **kwargs)
                for key, value in (told(result) if told else {}).items():
                    if value is not None:
                        one.set_attribute(key, value)
                return result

        return run

    return wrap


def traced_steps(
    name: str, told: Callable[[Any], Mapping[str, Value | None]] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Trace a function that tells its steps to ``progress``, each by a span below its own.

    Parameters
    ----------
    name
        Of the span of the whole.
    told
        Facts of what the function returns.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        whole = traced(name, told)(function)

        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if tracer() is None:
                return function(*args, **kwargs)
            steps = _Steps(name, kwargs.get("progress"))  # type: ignore[arg-type]
            kwargs["progress"] = steps
            try:
                return whole(*args, **kwargs)
            except BaseException as error:
                steps.end(error)
                raise
            finally:
                steps.end()

        return run

    return wrap


class _Steps:
    """Passes on what is told, and keeps one span open for the step that is under way."""

    def __init__(self, name: str, tell: Tell | None) -> None:
        self._name, self._tell = name, tell
        self._lock = threading.Lock()  # progress of asking is told by another thread
        self._step: str | None = None
        self._span: Any = None
        self._parent: Any = None

    def __call__(self, step: str, done: int, total: int) -> None:
        plain = step.partition(DETAIL)[0]
        with self._lock:
            if plain != self._step:
                self._end(None)
                if self._parent is None:
                    self._parent = trace.set_span_in_context(trace.get_current_span())
                self._step = plain
                self._span = tracer().start_span(f"{self._name}: {plain}", context=self._parent)
        if self._tell is not None:
            self._tell(step, done, total)

    def end(self, error: BaseException | None = None) -> None:
        """End the step that is under way."""
        with self._lock:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        if self._span is not None:
            if error is not None:
                _mark_failed(self._span, error)
            self._span.end()
        self._span, self._step = None, None
