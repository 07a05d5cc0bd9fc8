"""OpenTelemetry traces, if asked for: one span a request, one for each of its stages, sent in the background."""

from __future__ import annotations

from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING

from data.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

_provider: TracerProvider | None = None
_tracer: Tracer | None = None


def start_tracing(endpoint: str) -> None:
    """Send spans to the OTLP collector at the URL `endpoint`, such as http://127.0.0.1:4318/v1/traces; empty: don't.

    Raises:
        SettingsError: the packages are not installed.

    """
    global _provider, _tracer  # noqa: PLW0603 - one per process, as OpenTelemetry itself has it
    if not endpoint:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(f"GONGXU_SERVE_TRACES needs `pip install 'gongxu[otel]'`: {error}") from error
    _provider = TracerProvider(resource=Resource.create({"service.name": "gongxu"}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _tracer = _provider.get_tracer("gongxu")


def stop_tracing() -> None:
    """Send what waits and end."""
    global _provider, _tracer  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
    _provider = _tracer = None


@contextmanager
def request_span(method: str, headers: Mapping[str, str]) -> Iterator[Span | None]:
    """Surround a request with a span, the caller's child if its `traceparent` says so; None where traces are off."""
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    caller = TraceContextTextMapPropagator().extract(headers)
    with _tracer.start_as_current_span(method, caller, kind=SpanKind.SERVER) as span:
        yield span


def stage(name: str, seconds: float, ended_ns: int | None = None) -> None:
    """Add a span that took `seconds` and ended at `ended_ns` (None: now) to the current request's."""
    if _tracer is not None:
        ended = ended_ns or time_ns()
        _tracer.start_span(name, start_time=ended - int(seconds * 1e9)).end(ended)
