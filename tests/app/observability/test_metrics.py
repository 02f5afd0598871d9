"""`/metrics`, parsed like Prometheus does: each value changes by exactly the work done."""

import asyncio
import os
import re
import signal
import time
from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.api.problem_types import PROBLEM_TYPES
from app.main import create_app
from app.settings import Settings
from tests.support.images import draw_noise, encode, encode_frames
from tests.support.tasks import WAIT, Seconds, make_pool

Samples = dict[str, float]
"""Values by name and labels: `convserve_requests_total{method="GET",...}`."""


def read_metrics(client: TestClient) -> Samples:
    reply = client.get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=")
    samples = {}
    for family in text_string_to_metric_families(reply.text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            samples[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return samples


def find_changes(before: Samples, after: Samples) -> Samples:
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def pick(changes: Samples, *parts: str) -> Samples:
    """The changes whose name has all parts, without durations and memory, which vary."""
    return {
        name: value
        for name, value in changes.items()
        if all(part in name for part in parts) and not re.search(r"_(bucket|sum)\b|^process_|memory", name)
    }


IMAGE = encode(draw_noise(20, 30))
RAW = {"Content-Type": "image/png"}


def test_values_change_by_exactly_the_work_done(client: TestClient) -> None:
    before = read_metrics(client)
    replies = [client.post("/filter/gaussian,edge", content=IMAGE, headers=RAW) for _ in range(3)]
    animation = encode_frames([draw_noise(10, 10, seed=seed) for seed in (1, 2)], "GIF")
    replies.append(client.post("/filter/blur", content=animation, headers={"Content-Type": "image/gif"}))
    refused = client.post("/filter/no-such-kernel", content=IMAGE, headers=RAW)
    changes = find_changes(before, read_metrics(client))
    assert [reply.status_code for reply in replies] == [200] * 4
    assert refused.status_code == 404
    sent = sum(len(reply.content) for reply in [*replies, refused])
    metrics_bytes = changes.pop("convserve_sent_bytes_total") - sent
    assert 1000 < metrics_bytes < 100_000  # the first response of /metrics, which is counted after it is sent
    route = 'route="/filter/{kernel}"'
    assert pick(changes, "convserve_") == {
        f'convserve_requests_total{{method="POST",{route},status="200"}}': 4,
        f'convserve_requests_total{{method="POST",{route},status="404"}}': 1,
        'convserve_requests_total{method="GET",route="/metrics",status="200"}': 1,
        f"convserve_request_duration_seconds_count{{{route}}}": 5,
        'convserve_request_duration_seconds_count{route="/metrics"}': 1,
        "convserve_received_bytes_total": 4 * len(IMAGE) + len(animation),
        'convserve_problems_total{problem="unknown-kernel"}': 1,
        "convserve_queue_wait_seconds_count": 4,
        'convserve_step_duration_seconds_count{step="decode"}': 4,
        'convserve_step_duration_seconds_count{step="convolve"}': 4,
        'convserve_step_duration_seconds_count{step="encode"}': 4,
        "convserve_pixels_total": 3 * 600 + 200,
        'convserve_kernel_uses_total{kernel="gaussian"}': 3,
        'convserve_kernel_uses_total{kernel="edge"}': 3,
        'convserve_kernel_uses_total{kernel="blur"}': 1,
    }


def test_step_durations_equal_those_of_the_response(client: TestClient) -> None:
    before = read_metrics(client)
    reply = client.post("/filter/gaussian?sigma=5", content=encode(draw_noise(400, 400)), headers=RAW)
    changes = find_changes(before, read_metrics(client))
    told = dict(re.findall(r"(\w+);dur=([\d.]+)", reply.headers["Server-Timing"]))
    assert list(told) == ["decode", "convolve", "encode"]
    for step, milliseconds in told.items():
        seconds = changes[f'convserve_step_duration_seconds_sum{{step="{step}"}}']
        assert seconds == pytest.approx(float(milliseconds) / 1000, abs=0.0001)
        assert seconds > 0


def test_classify_is_a_separate_step(client: TestClient) -> None:
    before = read_metrics(client)
    assert client.post("/classify", content=IMAGE, headers=RAW).status_code == 200
    assert client.post("/read", content=IMAGE, headers=RAW).status_code == 200
    steps = pick(find_changes(before, read_metrics(client)), "step_duration")
    assert steps['convserve_step_duration_seconds_count{step="classify"}'] == 2
    assert steps['convserve_step_duration_seconds_count{step="decode"}'] == 2
    assert len(steps) == 2


def test_unknown_names_make_no_new_series(client: TestClient) -> None:
    for number in range(5):
        client.get(f"/nowhere/{number}")
        client.post(f"/filter/strange-{number}", content=IMAGE, headers=RAW)
        client.request(f"METHOD{number}", "/size")
        client.get(f"/static/strange-{number}.js")
        client.get(f"/kernels/strange-{number}")
    names = list(read_metrics(client))
    assert [name for name in names if "strange" in name or "nowhere" in name or "METHOD" in name] == []
    assert 'convserve_requests_total{method="other",route="/size",status="405"}' in names
    assert 'convserve_requests_total{method="GET",route="/static/{path}",status="404"}' in names
    assert 'convserve_requests_total{method="GET",route="unmatched",status="404"}' in names
    used = re.findall(r'problem="([^"]+)"', "".join(names))
    slugs = set(PROBLEM_TYPES) | {"not-found", "method-not-allowed", "bad-request"}
    assert set(used) <= slugs


def test_custom_weights_are_counted_as_custom(client: TestClient) -> None:
    before = read_metrics(client)
    assert client.post("/filter/custom?weights=0,1,0;1,-4,1;0,1,0", content=IMAGE, headers=RAW).status_code == 200
    assert pick(find_changes(before, read_metrics(client)), "kernel_uses") == {
        'convserve_kernel_uses_total{kernel="custom"}': 1
    }


def test_names_follow_the_conventions_of_prometheus(client: TestClient) -> None:
    client.post("/filter/blur", content=IMAGE, headers=RAW)
    for family in text_string_to_metric_families(client.get("/metrics").text):
        assert re.match(r"(convserve|process)_[a-z_]+$", family.name)
        assert family.documentation
        if family.type == "histogram" or "duration" in family.name:
            assert family.name.endswith("_seconds")
        if "memory" in family.name:
            assert family.name.endswith("_bytes")
        for sample in family.samples:
            assert family.type != "counter" or sample.name.endswith("_total"), sample.name


def test_versions_and_memory_are_reported(client: TestClient) -> None:
    metrics = read_metrics(client)
    card = client.get("/model").json()
    (model,) = [name for name in metrics if name.startswith("convserve_model_info{")]
    assert card["weights_sha256"] in model
    assert f'version="{card["version"]}"' in model
    (build,) = [name for name in metrics if name.startswith("convserve_build_info{")]
    assert re.search(r'tensorflow="\d+\.\d+', build)
    assert metrics["convserve_worker_slots"] == metrics["convserve_workers_ready"] == 2
    pool = client.app.state.service.pool  # type: ignore[attr-defined]
    assert len(pool.pids) == 2
    resident = []
    for pid in pool.pids:
        with open(f"/proc/{pid}/status") as status:
            resident += [1024 * int(line.split()[1]) for line in status if line.startswith("VmRSS")]
    assert metrics["convserve_workers_resident_memory_bytes"] == pytest.approx(sum(resident), rel=0.05)
    assert metrics["convserve_worker_resident_memory_max_bytes"] == pytest.approx(max(resident), rel=0.05)
    assert metrics["process_resident_memory_bytes"] > 10_000_000  # the HTTP process


@pytest.mark.slow
def test_queue_slots_and_lost_workers_are_reported() -> None:
    """One upload in work, two small ones and a large one in the queue; then a worker is killed."""
    settings = Settings(workers=1, large_upload_bytes=1000)
    with TestClient(create_app(settings, pool=make_pool(settings))) as client:
        pool = client.app.state.service.pool  # type: ignore[attr-defined]
        assert client.portal is not None

        async def start() -> list[asyncio.Task[Any]]:
            tasks = [asyncio.create_task(pool.run(WAIT, Seconds(0.7), [bytes(size)])) for size in (0, 0, 0, 2000)]
            await asyncio.sleep(0.2)
            return tasks

        async def finish(tasks: list[asyncio.Task[Any]]) -> int:
            await asyncio.gather(*tasks)
            return int(pool.pids[0])

        tasks = client.portal.call(start)
        during = read_metrics(client)
        process = client.portal.call(finish, tasks)
        after = read_metrics(client)
        assert during['convserve_queue_length{line="small"}'] == 2
        assert during['convserve_queue_length{line="large"}'] == 1
        assert during["convserve_workers_busy"] == 1
        assert 0.1 < during["convserve_queue_oldest_wait_seconds"] < 0.7
        assert after['convserve_queue_length{line="small"}'] == after["convserve_workers_busy"] == 0
        assert after["convserve_workers_replaced_total"] == 0
        os.kill(process, signal.SIGKILL)
        seen: Counter[float] = Counter()
        for _ in range(600):
            metrics = read_metrics(client)
            seen[metrics["convserve_workers_ready"]] += 1
            if metrics["convserve_workers_replaced_total"] == 1 and metrics["convserve_workers_ready"] == 1:
                break
            time.sleep(0.1)
        assert metrics["convserve_workers_replaced_total"] == 1
        assert seen[0] > 0
        assert seen[1] > 0


def test_two_services_have_separate_metrics(client: TestClient) -> None:
    other = create_app(Settings(workers=1)).state.service.metrics
    client.get("/livez")
    assert b'route="/livez"' not in other.text()
    assert b'route="/livez"' in client.app.state.service.metrics.text()  # type: ignore[attr-defined]
