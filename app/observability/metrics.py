"""What Prometheus asks for: counted from finished requests, and looked up when it asks."""

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
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from app.context import Record
from app.pool.interface import Pool
from app.server.protocol import Connections, Stage
from app.system import find_resident_bytes

METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STEP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Those of one service."""

    def __init__(self, workers: Pool, model_card: dict[str, Any]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, which Prometheus' text format has no use for
        registry = self.registry = CollectorRegistry()
        self.in_progress = Gauge(
            "convserve_requests_in_progress", "Requests that have come and are not answered.", registry=registry
        )
        self.requests = Counter(
            "convserve_requests", "Answers, by route as in the OpenAPI document. Status 499: the client left before.",
            ["route", "method", "status"], registry=registry,
        )  # fmt: skip
        self.duration = Histogram(
            "convserve_request_duration_seconds", "From the head of the request to the end of the answer.",
            ["route"], buckets=REQUEST_SECONDS, registry=registry,
        )  # fmt: skip
        self.received = Counter("convserve_received_bytes", "Bytes read of request bodies.", registry=registry)
        self.sent = Counter("convserve_sent_bytes", "Bytes of answers' bodies.", registry=registry)
        self.problems = Counter(
            "convserve_problems", "Answers that were errors, by kind: see /problems.", ["problem"], registry=registry
        )
        self.queue_wait = Histogram(
            "convserve_queue_wait_seconds", "Wait for a worker process, of requests that got one or gave up.",
            buckets=STEP_SECONDS, registry=registry,
        )  # fmt: skip
        self.steps = Histogram(
            "convserve_step_duration_seconds", "Time in a worker process, by step of the work.",
            ["step"], buckets=STEP_SECONDS, registry=registry,
        )  # fmt: skip
        self.pixels = Counter("convserve_pixels", "Pixels decoded: width × height × frames.", registry=registry)
        self.kernels = Counter(
            "convserve_kernel_uses", "Steps of answered filter requests, by kernel of the catalogue, or custom.",
            ["kernel"], registry=registry,
        )  # fmt: skip
        self.registry.register(WorkersCollector(workers))
        self.registry.register(VersionCollector(model_card))
        ProcessCollector(registry=self.registry)

    def count(self, record: Record) -> None:
        """A finished request."""
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

    def watch_connections(self, connections: Connections) -> None:
        """Those of the server that the service runs in."""
        self.registry.register(ConnectionsCollector(connections))

    def text(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self.registry)

    def serve(self, host: str, port: int) -> WSGIServer:
        """On a port of their own, in a thread. Raises OSError."""
        return start_http_server(port, host, self.registry)[0]


class WorkersCollector(Collector):
    """How the worker processes and the lines before them are when somebody asks."""

    def __init__(self, workers: Pool) -> None:
        self.workers = workers

    def collect(self) -> Iterator[Metric]:
        workers = self.workers
        length = GaugeMetricFamily("convserve_queue_length", "Uploads that wait for a worker process.", labels=["line"])
        length.add_metric(["small"], workers.waiting_small)
        length.add_metric(["large"], workers.waiting_large)
        yield length
        yield GaugeMetricFamily(
            "convserve_queue_oldest_wait_seconds", "How long the first in line has waited.", workers.oldest_wait_s
        )
        yield GaugeMetricFamily("convserve_worker_slots", "Worker processes that there should be.", workers.slots)
        yield GaugeMetricFamily("convserve_workers_ready", "Worker processes that are warm.", workers.ready)
        yield GaugeMetricFamily("convserve_workers_busy", "Worker processes with an image in work.", workers.busy)
        yield CounterMetricFamily(
            "convserve_workers_replaced", "Worker processes that were stopped or lost, and replaced.", workers.replaced
        )
        memory = [find_resident_bytes(pid) for pid in workers.pids]
        yield GaugeMetricFamily(
            "convserve_workers_resident_memory_bytes", "Memory of all worker processes, shared pages counted for each.",
            sum(memory),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "convserve_worker_resident_memory_max_bytes", "Memory of the largest worker process.",
            max(memory, default=0),
        )  # fmt: skip


class ConnectionsCollector(Collector):
    """What the server sees of its clients."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    def collect(self) -> Iterator[Metric]:
        connections = self.connections
        yield GaugeMetricFamily("convserve_connections", "Open connections.", len(connections))
        refused = CounterMetricFamily(
            "convserve_requests_refused",
            "Requests that were answered with an error before any route saw them, as uploads are when all is full.",
            labels=["problem"],
        )
        for problem, count in connections.refusals.counts.items():
            refused.add_metric([problem], count)
        yield refused
        yield CounterMetricFamily(
            "convserve_connections_shed", "Connections closed to make room for others.", connections.shed
        )
        slow = CounterMetricFamily(
            "convserve_connections_slow", "Connections closed as the client was too slow, by stage.", labels=["stage"]
        )
        for stage in (Stage.SILENT, Stage.HEAD, Stage.BODY, Stage.REPLY, Stage.IDLE):
            slow.add_metric([stage.name.lower()], connections.closed[stage])
        yield slow


class VersionCollector(Collector):
    """What is running."""

    def __init__(self, model_card: dict[str, Any]) -> None:
        self.model = {name: str(model_card.get(name, "")) for name in ("version", "network", "weights_sha256")}

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("convserve_model", "The digit model.", self.model)
        build = {"version": version("convserve"), "python": platform.python_version(), "tensorflow": find_tensorflow()}
        yield InfoMetricFamily("convserve_build", "The program.", build)


def find_tensorflow() -> str:
    """Its version, without importing it."""
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "unknown"
