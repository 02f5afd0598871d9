"""What sends spans to the collector. Imported only where there is one: it needs convserve[otel]."""

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
    """A query string may hold what nobody else should read."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if span.attributes and "url.query" in span.attributes:
            span.set_attribute("url.query", "REDACTED")


class Provider(TracerProvider):
    """One that gives up on a collector that is gone: OpenTelemetry's own would hold the end of the process for 8 s."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource=resource, shutdown_on_exit=False)
        self.exporter = OTLPSpanExporter()
        self.add_span_processor(HideQuery())
        self.add_span_processor(BatchSpanProcessor(self.exporter))

    def shutdown(self) -> None:
        """Send what is left, for FLUSH_SECONDS."""
        impatience = threading.Timer(FLUSH_SECONDS, self.exporter.shutdown)
        impatience.start()
        super().shutdown()
        impatience.cancel()


def make_provider() -> TracerProvider:
    """Sends in batches from a thread of its own. Endpoint, headers, sampling, names: OTEL_... in the environment."""
    attributes = {"service.version": version("convserve")}
    if "OTEL_SERVICE_NAME" not in os.environ and "service.name" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        attributes["service.name"] = "convserve"
    return Provider(Resource.create(attributes))
