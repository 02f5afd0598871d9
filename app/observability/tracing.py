"""Traces for an OpenTelemetry collector. Without a configured collector nothing of the SDK is imported.

FastAPI makes the span of a request, as a child of the trace in its header `traceparent`. This module adds the steps.
"""

import os
from typing import TYPE_CHECKING

from opentelemetry import trace

from app.context import Record

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"


class TracingError(ValueError):
    """Traces are configured and cannot be sent."""


def start_tracing() -> "TracerProvider | None":
    """Reads the standard's environment variables. Raises TracingError."""
    endpoint = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    if endpoint is None or off:
        return None
    for name in PROTOCOLS:
        if os.environ.get(name, PROTOCOL) not in ("", PROTOCOL):
            raise TracingError(f"{name} is {os.environ[name]!r}; the only supported protocol is {PROTOCOL}.")
    try:
        from app.observability.spans import make_provider
    except ImportError:
        raise TracingError(
            f"{endpoint} is set, but OpenTelemetry's SDK is not installed: pip install 'convserve[otel]', or unset it."
        ) from None
    return make_provider()


def find_trace_id() -> str | None:
    """The trace id of the current request."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def add_steps(record: Record, tracer: trace.Tracer) -> None:
    """Add the steps of a finished request to the span of the current request."""
    for step in record.steps:
        span = tracer.start_span(step.name, start_time=step.started_ns)
        span.end(step.started_ns + round(1e9 * step.seconds))
