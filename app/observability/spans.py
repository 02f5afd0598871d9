"""Sends spans to the collector. Imported only if there is a collector, because it needs convserve[otel]."""

import os
import threading
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

FLUSH_SECONDS = 2


class HideQuery(SpanProcessor):
    """Redacts query strings, which may hold private data."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.attributes and "url.query" in span.attributes:
            span.set_attribute("url.query", "REDACTED")


class Provider(TracerProvider):
    """Waits at most FLUSH_SECONDS for an unreachable collector when the process ends; OpenTelemetry waits 8 s."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource=resource, shutdown_on_exit=False)
        self.exporter = OTLPSpanExporter()
        self.add_span_processor(HideQuery())
        self.add_span_processor(BatchSpanProcessor(self.exporter))

    def shutdown(self) -> None:
        """Send the remaining spans, for at most FLUSH_SECONDS."""
        timer = threading.Timer(FLUSH_SECONDS, self.exporter.shutdown)
        timer.start()
        super().shutdown()
        timer.cancel()


def make_provider() -> TracerProvider:
    """Sends batches from its own thread. OTEL_... variables set the endpoint, headers, sampling and names."""
    attributes = {"service.version": version("convserve")}
    if "OTEL_SERVICE_NAME" not in os.environ and "service.name" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        attributes["service.name"] = "convserve"
    return Provider(Resource.create(attributes))
