"""The metrics of the connections, read when Prometheus scrapes."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.server.client_timer import ConnectionStage
from app.server.connections import Connections


class ConnectionsCollector(Collector):
    def __init__(self, connections: Connections) -> None:
        self.connections = connections

    def collect(self) -> Iterator[Metric]:
        connections = self.connections
        yield GaugeMetricFamily("convserve_connections", "Open connections.", len(connections))
        refused = CounterMetricFamily(
            "convserve_requests_refused",
            "Requests that the server rejected before the app, for example uploads when the queue is full.",
            labels=["problem"],
        )
        for problem, count in connections.rejections.counts.items():
            refused.add_metric([problem], count)
        yield refused
        yield CounterMetricFamily(
            "convserve_connections_shed", "Connections closed because of the connection or memory limit.",
            connections.shed,
        )  # fmt: skip
        slow = CounterMetricFamily(
            "convserve_connections_slow", "Connections closed because the client was too slow, by stage.",
            labels=["stage"],
        )  # fmt: skip
        for stage in ConnectionStage:
            if stage is not ConnectionStage.WORK:
                slow.add_metric([stage.name.lower()], connections.timed_out[stage])
        yield slow
