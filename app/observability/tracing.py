"""Traces for an OpenTelemetry collector, where one is named; otherwise nothing of the SDK is imported.

FastAPI makes the span of a request, with the trace that came in its header `traceparent`; the steps are added here.
"""

import os
from typing import TYPE_CHECKING

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace

from app.context import Record
from app.observability.logs import PROBES

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"


class TracingError(ValueError):
    """Traces are wanted and cannot be sent."""


def start_tracing() -> "TracerProvider | None":
    """By the standard's environment variables. Raises TracingError."""
    endpoint = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    if endpoint is None or off:
        return None
    for name in PROTOCOLS:
        if os.environ.get(name, PROTOCOL) not in ("", PROTOCOL):
            raise TracingError(f"{name} is {os.environ[name]!r}; traces are sent by {PROTOCOL} only.")
    try:
        from app.observability.spans import make_provider
    except ImportError:
        raise TracingError(
            f"{endpoint} is set, but OpenTelemetry's SDK is not installed: pip install 'convserve[otel]', or unset it."
        ) from None
    return make_provider()


def configure_fastapi(provider: "TracerProvider | None") -> TelemetryConfig:
    """Spans of requests and nothing else: FastAPI would tell more, if it found a provider."""
    return TelemetryConfig(
        tracing=provider is not None,
        tracer_provider=provider,
        metrics=False,
        logs=False,
        operation_spans=False,
        auto_configure=False,
        exclude=lambda scope: scope.get("path") in PROBES,
    )


def find_trace_id() -> str | None:
    """Of the request that is being worked on."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def add_steps(record: Record, tracer: trace.Tracer) -> None:
    """The steps of a finished request, in the span of the request that is being worked on."""
    for step in record.steps:
        span = tracer.start_span(step.name, start_time=step.started_ns)
        span.end(step.started_ns + round(1e9 * step.seconds))
