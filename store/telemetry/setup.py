"""Sending traces away, where the environment asks for it: the variables are OpenTelemetry's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

from store.errors import UserError

EXPORTER = "OTEL_TRACES_EXPORTER"
GROUP = "opentelemetry_traces_exporter"


@contextmanager
def exporting(program: str) -> Iterator[None]:
    """Send the traces of a program while it runs; does nothing unless the environment asks for it.

    Parameters
    ----------
    program
        Name of the service in the traces, unless ``OTEL_SERVICE_NAME`` names another.

    Raises
    ------
    UserError
        What the environment asks for is not installed.
    """
    name = os.environ.get(EXPORTER, "").strip()
    if name in ("", "none"):
        yield
        return
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise UserError(
            f"{EXPORTER}={name} needs OpenTelemetry's SDK; install it with: pip install "
            "'interest-profiler[otel]', or unset the variable"
        ) from None
    if isinstance(trace.get_tracer_provider(), TracerProvider):  # whoever runs us has set it up
        yield
        return
    service = os.environ.get("OTEL_SERVICE_NAME", program)
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def _exporter(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)  # standard output is what a command prints
    found = sorted(entry_points(group=GROUP, name=name), key=lambda point: point.value)
    if not found:
        known = sorted({point.name for point in entry_points(group=GROUP)} | {"none"})
        raise UserError(
            f"{EXPORTER}={name}: no installed package has this exporter; install one, such as "
            f"opentelemetry-exporter-otlp, or use one of {', '.join(known)}"
        )
    return found[0].load()()
