"""Traces, as a collector receives them over OTLP."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from typer.testing import CliRunner

from app.cli.commands import app as command
from app.main import create_app
from app.observability.tracing import TracingError, start_tracing
from app.settings import Settings
from tests.support.images import draw_noise, encode
from tests.support.paths import ROOT

IMAGE = encode(draw_noise(200, 300))
RAW = {"Content-Type": "image/png"}
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Collector(HTTPServer):
    """Stores the received exports."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.exports: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for export in self.exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.server.exports.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    yield collector
    collector.shutdown()
    thread.join()
    collector.server_close()


def read_attributes(span: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


@pytest.mark.slow
def test_a_request_is_a_trace_with_its_steps(collector: Collector) -> None:
    """The collector has all spans when the service has stopped."""
    head = RAW | {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-ID": "traced-1"}
    with TestClient(create_app(Settings(workers=1))) as client:
        assert client.post("/filter/blur?border=zero&x=secret", content=IMAGE, headers=head).status_code == 422
        assert client.post("/filter/blur?border=zero", content=IMAGE, headers=head).status_code == 200
        client.get("/livez")
        client.get("/metrics")
        assert client.get("/nowhere").status_code == 404
    refused, request, unknown = [span for span in collector.spans if span.kind == span.SPAN_KIND_SERVER]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, CALLER)
    told = read_attributes(request)
    assert told["http.route"] == "/filter/{kernel}"
    assert told["http.response.status_code"] == 200
    assert told["convserve.request.id"] == "traced-1"
    steps = [span for span in collector.spans if span.kind == span.SPAN_KIND_INTERNAL]
    assert [span.name for span in steps] == ["queue", "decode", "convolve", "encode"]
    for before, step in zip([request, *steps[:-1]], steps, strict=True):
        assert (step.trace_id, step.parent_span_id) == (request.trace_id, request.span_id)
        assert before.start_time_unix_nano <= step.start_time_unix_nano <= step.end_time_unix_nano
        assert step.end_time_unix_nano <= request.end_time_unix_nano
    assert read_attributes(refused)["http.response.status_code"] == 422
    assert read_attributes(unknown)["http.response.status_code"] == 404
    assert unknown.trace_id.hex() != TRACE
    assert "secret" not in str(collector.exports)
    (resource,) = {str(export.resource_spans[0].resource) for export in collector.exports}
    assert '"convserve"' in resource


@pytest.mark.slow
def test_an_unreachable_collector_does_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry's own shutdown takes 6 to 8 s."""
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    provider = start_tracing()
    assert provider is not None
    for _ in range(100):
        provider.get_tracer("test").start_span("lost").end()
    started = time.monotonic()
    provider.shutdown()
    assert time.monotonic() - started < 5


def test_without_a_collector_nothing_is_imported() -> None:
    code = "import sys; from app.main import create_app; create_app(); print('opentelemetry.sdk' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert told.stdout == "False\n"


def test_without_the_extra_the_start_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.delitem(sys.modules, "app.observability.spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    result = CliRunner().invoke(command, ["serve", "--port", "0"])
    assert result.exit_code == 2
    assert result.stderr == (
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry's SDK is not installed: pip install 'convserve[otel]', "
        "or unset it.\n"
    )


@pytest.mark.parametrize(("name", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")])
def test_traces_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert start_tracing() is None


def test_another_protocol_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(TracingError, match="OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'"):
        start_tracing()
