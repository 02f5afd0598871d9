"""The metrics of the worker processes and their queue, read when Prometheus scrapes."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.pool.interface import Pool
from app.system import find_resident_bytes


class WorkersCollector(Collector):
    """Reads the state of a pool."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def collect(self) -> Iterator[Metric]:
        pool = self.pool
        length = GaugeMetricFamily(
            "convserve_queue_length", "Uploads that wait for a worker process, by queue.", labels=["line"]
        )
        length.add_metric(["small"], pool.waiting_small)
        length.add_metric(["large"], pool.waiting_large)
        yield length
        yield GaugeMetricFamily(
            "convserve_queue_oldest_wait_seconds", "How long the oldest upload in the queue has waited.",
            pool.oldest_wait_s,
        )  # fmt: skip
        yield GaugeMetricFamily("convserve_worker_slots", "Target number of worker processes.", pool.slots)
        yield GaugeMetricFamily("convserve_workers_ready", "Worker processes that are warm.", pool.ready)
        yield GaugeMetricFamily("convserve_workers_busy", "Worker processes that process an image.", pool.busy)
        yield CounterMetricFamily(
            "convserve_workers_replaced", "Worker processes that were stopped or lost, and replaced.", pool.replaced
        )
        memory = [find_resident_bytes(pid) for pid in pool.pids]
        yield GaugeMetricFamily(
            "convserve_workers_resident_memory_bytes",
            "Resident memory of all worker processes. Shared pages count once per process.", sum(memory),
        )  # fmt: skip
        yield GaugeMetricFamily(
            "convserve_worker_resident_memory_max_bytes", "Resident memory of the largest worker process.",
            max(memory, default=0),
        )  # fmt: skip
