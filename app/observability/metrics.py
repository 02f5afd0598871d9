"""Prometheus metrics: counted from the records of finished requests, or collected when Prometheus scrapes."""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from app.context import Record

METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STEP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one service. `collectors` yield the metrics of the parts of the service that have state."""

    def __init__(self, *collectors: Collector) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # one more series per counter, of no use in the text format
        registry = self.registry = CollectorRegistry()
        self.in_progress = Gauge(
            "convserve_requests_in_progress", "Requests that have no response yet.", registry=registry
        )
        self.requests = Counter(
            "convserve_requests",
            "Responses, by route as in the OpenAPI document. Status 499: the client disconnected before the response.",
            ["route", "method", "status"], registry=registry,
        )  # fmt: skip
        self.duration = Histogram(
            "convserve_request_duration_seconds", "From the request head to the end of the response.",
            ["route"], buckets=REQUEST_SECONDS, registry=registry,
        )  # fmt: skip
        self.received = Counter("convserve_received_bytes", "Bytes read of request bodies.", registry=registry)
        self.sent = Counter("convserve_sent_bytes", "Bytes sent of response bodies.", registry=registry)
        self.problems = Counter(
            "convserve_problems", "Error responses, by problem type: see /problems.", ["problem"], registry=registry
        )
        self.queue_wait = Histogram(
            "convserve_queue_wait_seconds", "Wait for a worker process, including requests that got none.",
            buckets=STEP_SECONDS, registry=registry,
        )  # fmt: skip
        self.steps = Histogram(
            "convserve_step_duration_seconds", "Time in a worker process, by step.",
            ["step"], buckets=STEP_SECONDS, registry=registry,
        )  # fmt: skip
        self.pixels = Counter("convserve_pixels", "Decoded pixels: width × height × frames.", registry=registry)
        self.kernels = Counter(
            "convserve_kernel_uses", "Steps of successful filter requests, by catalogue name, or custom.",
            ["kernel"], registry=registry,
        )  # fmt: skip
        for collector in collectors:
            self.registry.register(collector)
        ProcessCollector(registry=self.registry)

    def count(self, record: Record) -> None:
        """Count a finished request."""
        method = record.method if record.method in METHODS else "other"
        self.requests.labels(record.route, method, str(record.status)).inc()
        self.duration.labels(record.route).observe(record.seconds)
        self.received.inc(record.received_bytes)
        self.sent.inc(record.sent_bytes)
        self.pixels.inc(record.pixels)
        if record.problem:
            self.problems.labels(record.problem).inc()
        for step in record.steps:
            if step.name == "queue":
                self.queue_wait.observe(step.seconds)
            else:
                self.steps.labels(step.name).observe(step.seconds)
        if record.status == 200:
            for kernel in record.kernels:
                self.kernels.labels(kernel).inc()

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)

    def serve(self, host: str, port: int) -> WSGIServer:
        """On a separate port, in a thread. Raises OSError."""
        return start_http_server(port, host, self.registry)[0]


class VersionCollector(Collector):
    """The versions of the program and of the digit model."""

    def __init__(self, model_card: dict[str, Any]) -> None:
        self.model = {name: str(model_card.get(name, "")) for name in ("version", "network", "weights_sha256")}

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("convserve_model", "The digit model.", self.model)
        build = {"version": version("convserve"), "python": platform.python_version(), "tensorflow": find_tensorflow()}
        yield InfoMetricFamily("convserve_build", "The program.", build)


def find_tensorflow() -> str:
    """The version of TensorFlow, without importing it."""
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
