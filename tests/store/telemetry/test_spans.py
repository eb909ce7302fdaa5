"""Spans in the memory of OpenTelemetry's SDK; and nothing at all where it is not there."""

from __future__ import annotations

import pytest

from store.telemetry import spans


@pytest.fixture
def seen(monkeypatch):
    """What was traced: a list of finished spans, the innermost first."""
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'interest-profiler[otel]'")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(spans, "tracer", lambda: provider.get_tracer("tests"))
    return memory.get_finished_spans


def test_steps_are_spans_below_the_whole(seen):
    """Fault: each line of progress was a span, or steps hung beside the whole."""

    @spans.traced_steps("build", lambda told: {"users": told, "none": None})
    def build(*, progress=None):
        for done in range(3):
            progress(f"asking · {done} answered", done, 3)
        progress("assigning", 0, 0)
        return 7

    told = []
    assert build(progress=lambda *words: told.append(words)) == 7
    assert build() == 7
    assert told[0] == ("asking · 0 answered", 0, 3)
    first = seen()[:3]
    assert [one.name for one in first] == ["build: asking", "build: assigning", "build"] or [
        one.name for one in first
    ] == ["build: asking", "build", "build: assigning"]
    whole = next(one for one in first if one.name == "build")
    assert dict(whole.attributes) == {"users": 7}
    assert {one.parent.span_id for one in first if one.parent} == {whole.context.span_id}


def test_an_error_is_named_by_its_class_and_never_quoted(seen):
    """Fault: a message with a user's words was recorded as an event."""

    @spans.traced_steps("build")
    def build(*, progress=None):
        progress("reading", 0, 0)
        raise ValueError("s3cret of ann")

    with pytest.raises(ValueError):
        build()
    for one in seen():
        assert one.attributes["error.type"] == "ValueError"
        assert not one.status.is_ok
        assert "s3cret" not in one.to_json()


def test_without_opentelemetry_nothing_is_different(monkeypatch):
    monkeypatch.setattr(spans, "trace", None)
    with spans.span("train", {"a": 1}) as one:
        one.set_attribute("b", 2)

    @spans.traced("train")
    def train(x, *, y=2):
        """Add."""
        return x + y

    @spans.traced_steps("build")
    def build(*, progress=None):
        return progress

    assert (train(1, y=3), train.__doc__, build(progress=len)) == (4, "Add.", len)
